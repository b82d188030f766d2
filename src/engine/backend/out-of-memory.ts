import { AppError } from '@shared/errors';
import type { Executable } from './executable';

/** Bytes of a value, by TensorFlow's names. */
const WIDTHS: Record<string, number> = {
  ...{ float: 4, int32: 4, half: 2, bfloat16: 2, double: 8, int64: 8, bool: 1, uint8: 1 },
};

/** How the backends tell that an allocation failed: TensorFlow, its C++ library, V8, WebAssembly. */
const SIGNS = [
  /\bOOM when allocating\b/,
  /Invalid TF_Status: 8\b/, // RESOURCE_EXHAUSTED
  /\bRESOURCE_EXHAUSTED\b/,
  /std::bad_alloc/,
  /(Array buffer|typed array|WebAssembly\.Memory)[^.]*allocat/i,
  /Cannot enlarge memory|Maximum memory size exceeded|Aborted\(OOM\)/,
];

/** There is no memory for a tensor; `asked` is its size in bytes, where the backend tells it. */
export class OutOfMemory extends AppError {
  constructor(
    readonly asked: number | null,
    cause: unknown,
  ) {
    super('oom', `Memory ran out${asked === null ? '' : ` (${sizeWords(asked)} asked)`}.`, {
      remedy: 'Close other programs, or choose smaller batches, images or models.',
      cause,
    });
  }
}

/** A failed allocation as an OutOfMemory; undefined for any other error. */
export function memoryError(thrown: unknown): OutOfMemory | undefined {
  if (thrown instanceof OutOfMemory) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!SIGNS.some((sign) => sign.test(message))) return undefined;
  const [, extents, type = ''] =
    /allocating tensor with shape\[([\d,]*)\] and type (\w+)/.exec(message) ?? [];
  if (extents === undefined) return new OutOfMemory(null, thrown);
  const values = extents.split(',').reduce((product, each) => product * Number(each || 1), 1);
  return new OutOfMemory(values * (WIDTHS[type] ?? 4), thrown);
}

/** @throws OutOfMemory where `act` fails for want of memory; what else it throws */
export function tellMemory<T>(act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    throw memoryError(thrown) ?? thrown;
  }
}

/** The same executable, whose failed allocations are OutOfMemory errors. */
export function tellingMemory(executable: Executable): Executable {
  return {
    kind: executable.kind,
    call: (name, inputs) => tellMemory(() => executable.call(name, inputs)),
    read: (name) => tellMemory(() => executable.read(name)),
    write: (name, value) => tellMemory(() => executable.write(name, value)),
    dispose: () => executable.dispose(),
  };
}

/** 1.2 GB, 340 MB, 12 KB. */
export function sizeWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} KB`;
}
