import { dirname, join, sep } from 'node:path';
import { AppError } from '@shared/errors';
import type { Backend } from '@shared/protocol/contract';
import { registerKernels } from './kernels';
import { checkOneOp, requirePackage } from './load';
import type { Tf } from './load';

interface WasmPackage {
  setWasmPaths(folder: string): void;
  version_wasm: string;
}

/**
 * Makes WebAssembly (one thread in Node) tfjs's backend, with the kernels that training needs.
 * @throws whatever hinders the module from loading or computing.
 */
export async function loadWasm(tf: Tf, why: string | null): Promise<Backend> {
  const wasm = requirePackage('@tensorflow/tfjs-backend-wasm') as WasmPackage;
  const folder = dirname(requirePackage.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  wasm.setWasmPaths(join(folder, 'dist') + sep);
  registerKernels(tf, 'wasm');
  await withoutNewListeners(async () => {
    if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly module does not start');
  });
  checkOneOp(tf);
  guardMemory(tf);
  return { name: 'wasm', device: 'cpu', version: wasm.version_wasm, why };
}

/** Emscripten makes every unhandled rejection of the process throw: that is not its business. */
async function withoutNewListeners(start: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set(process.rawListeners(event)));
  try {
    await start();
  } finally {
    events.forEach((event, i) => {
      for (const listener of process.rawListeners(event)) {
        if (!before[i]?.has(listener)) {
          process.removeListener(event, listener as (...parts: unknown[]) => void);
        }
      }
    });
  }
}

/**
 * Without this a refused allocation is address 0, and tensors overwrite each other in silence. The
 * first call of _malloc replaces it, so there must have been one.
 */
function guardMemory(tf: Tf): void {
  const { wasm } = tf.backend() as unknown as { wasm: { _malloc(bytes: number): number } };
  const allocate = wasm._malloc;
  wasm._malloc = (bytes) => {
    const address = bytes < 2 ** 32 ? allocate(bytes) : 0;
    if (address !== 0 || bytes === 0) return address;
    throw new AppError(
      'unavailable',
      `WebAssembly cannot get ${Math.ceil(bytes / 2 ** 20)} MB more memory.`,
      { remedy: 'Use a smaller batch or model, or set up native TensorFlow.' },
    );
  };
}
