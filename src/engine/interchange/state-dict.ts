import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { weightFromReference } from '../nn/layout';
import { bufferSpecs } from '../nn/spec';
import type { Geometry, ProgramState } from '../training/program';

/** Names that an error lists of each kind; more are counted. */
const LISTED = 20;

/** BatchNorm's counter, which PyTorch keeps and nothing here needs. */
const COUNTER = 'num_batches_tracked';

/** Every name of a state dict with the shape that it has there, in the order of our own state. */
function expectedOf({ layout, spec }: Geometry): {
  parameters: Map<string, number[]>;
  buffers: Map<string, number[]>;
} {
  const inReference = (shape: number[]): number[] =>
    // [kh, kw, in, out] → [out, in, kh, kw], as weightToReference turns the values.
    shape.length === 4 ? [3, 2, 0, 1].map((axis) => shape[axis] ?? 0) : shape;
  return {
    parameters: new Map(layout.names.map((name, i) => [name, inReference(layout.shapes[i] ?? [])])),
    buffers: new Map(
      bufferSpecs(spec).flatMap(({ name, width }) => [
        [`${name}.running_mean`, [width]],
        [`${name}.running_var`, [width]],
      ]),
    ),
  };
}

/**
 * The state that training begins from with the weights of a state dict of the reference: they are
 * their own average, and AdamW's moments are 0.
 *
 * @param source  what to call the file in an error
 * @throws AppError bad_checkpoint listing by name what is missing, beyond need, of another shape
 *         or kind, or not finite
 */
export function stateFromDict(
  tensors: Record<string, NdArray>,
  geometry: Geometry,
  source: string,
): ProgramState {
  const { parameters, buffers } = expectedOf(geometry);
  const expected = new Map([...parameters, ...buffers]);
  const counters = new Set(bufferSpecs(geometry.spec).map(({ name }) => `${name}.${COUNTER}`));
  const problems = {
    missing: [...expected.keys()].filter((name) => tensors[name] === undefined),
    'beyond what the model has': Object.keys(tensors).filter(
      (name) => !expected.has(name) && !counters.has(name),
    ),
    'of another shape': [] as string[],
    'of another type': [] as string[],
    'with values that are not finite': [] as string[],
  };
  for (const [name, shape] of expected) {
    const value = tensors[name];
    if (value === undefined) continue;
    if (value.shape.join() !== shape.join()) {
      problems['of another shape'].push(
        `${name} [${value.shape.join(', ')}] instead of [${shape.join(', ')}]`,
      );
    } else if (value.dtype !== 'f32' && value.dtype !== 'f64') {
      problems['of another type'].push(`${name} (${value.dtype} instead of f32)`);
    } else if (!isFinite(value.data)) {
      problems['with values that are not finite'].push(name);
    }
  }
  const said = Object.entries(problems).filter(([, names]) => names.length > 0);
  if (said.length > 0) {
    throw new AppError(
      'bad_checkpoint',
      `The weights in ${source} are not of this model: ${said.map(sentence).join('; ')}.`,
      {
        remedy:
          problems['with values that are not finite'].length > 0
            ? 'Take weights from before they became NaN or infinite.'
            : 'Give --preset, --data and --set as the weights were trained: widths, layers, attention levels, K, encoder widths, channels and variant decide the names and shapes.',
      },
    );
  }
  const flat = (names: Map<string, number[]>): Float32Array => {
    const parts = [...names.keys()].map((name) => {
      const { data, shape } = tensors[name] ?? ndarray(new Float32Array(0), [0]);
      return weightFromReference(ndarray(Float32Array.from(data), shape)).data;
    });
    const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  };
  const vector = (data: Float32Array): NdArray<Float32Array> => ndarray(data, [data.length]);
  const params = flat(parameters);
  return {
    params: vector(params),
    ema: vector(params.slice()),
    m: vector(new Float32Array(params.length)),
    v: vector(new Float32Array(params.length)),
    running: vector(flat(buffers)),
  };
}

function sentence([what, names]: [string, string[]]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${what}: ${names.slice(0, LISTED).join(', ')}${more}`;
}

function isFinite(data: ArrayLike<number>): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}
