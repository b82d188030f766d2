import { stream } from '@shared/maths/rng';
import type { FlatLayout } from '../nn/flat';
import type { ModelSpec, ParameterSpec } from '../nn/spec';
import { bufferSpecs } from '../nn/spec';

/**
 * Fresh parameters, drawn from one seeded stream in parameter order.
 *
 * @returns [total] float32
 * @source  PyTorch's defaults; the bank as the reference: kaiming_uniform with a = 0.1
 */
export function initialParameters(
  specs: ParameterSpec[],
  layout: FlatLayout,
  seed: number,
): Float32Array {
  const rng = stream(seed, 'init', 0);
  const flat = new Float32Array(layout.total);
  let at = 0;
  specs.forEach((spec, index) => {
    const size = layout.sizes[index] ?? 0;
    const bound = boundOf(spec);
    if (spec.init === 'normal') rng.fillNormal(flat.subarray(at, at + size));
    else if (spec.init === 'ones') flat.fill(1, at, at + size);
    else if (bound > 0) {
      for (let i = 0; i < size; i++) flat[at + i] = bound * (2 * rng.uniform() - 1);
    }
    at += size;
  });
  return flat;
}

/** Half-width of the uniform distribution a parameter starts from. */
function boundOf({ init, fan_in, shape }: ParameterSpec): number {
  switch (init) {
    case 'fan_in':
      return 1 / Math.sqrt(fan_in);
    case 'kaiming':
      return Math.sqrt(6 / ((1 + 0.1 ** 2) * fan_in));
    case 'xavier':
      return Math.sqrt(6 / ((shape[0] ?? 0) + fan_in));
    case 'normal':
    case 'ones':
    case 'zeros':
      return 0;
  }
}

/** Running statistics before the first step: means 0, variances 1, in the order of bufferSpecs. */
export function initialRunning(spec: ModelSpec): Float32Array {
  const flat: number[] = [];
  for (const { width } of bufferSpecs(spec)) {
    for (let i = 0; i < width; i++) flat.push(0);
    for (let i = 0; i < width; i++) flat.push(1);
  }
  return Float32Array.from(flat);
}
