import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { stream } from '@shared/maths/rng';
import { loadBackend } from './index';
import { registerKernels } from './kernels';
import type { Tf } from './load';

// The oracle: tfjs's plain JavaScript backend, which has every kernel.
let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadBackend({ prefer: 'wasm' }));
  registerKernels(tf, 'cpu');
  expect(tf.getBackend()).toBe('wasm');
});

let made = 0;
function values(...shape: number[]): { data: Float32Array; shape: number[] } {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  return { data: stream(1, 'probe', made++).fillNormal(data), shape };
}

/** Kernels that add to memory they did not clear are found out only where it was used before. */
function dirtyMemory(): void {
  tf.tidy(() => {
    for (let size = 1; size <= 4096; size *= 2) tf.fill([size], 7);
  });
}

/** Runs on both backends and compares every output; nothing may stay allocated. */
async function agree(
  inputs: { data: Float32Array; shape: number[] }[],
  run: (...tensors: Tensor[]) => Tensor[],
  tolerance = 1e-4,
): Promise<void> {
  const results: { shape: number[]; data: Float32Array }[][] = [];
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    dirtyMemory();
    const before = tf.memory().numTensors;
    const outputs = tf.tidy(() => {
      const tensors = inputs.map(({ data, shape }) => tf.tensor(data.slice(), shape, 'float32'));
      return run(...tensors).map((tensor) => ({
        shape: tensor.shape,
        data: Float32Array.from(tensor.dataSync()),
      }));
    });
    expect(tf.memory().numTensors).toBe(before);
    results.push(outputs);
  }
  const [expected = [], actual = []] = results;
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  expected.forEach(({ data }, i) => {
    const other = actual[i]?.data ?? new Float32Array(0);
    const scale = data.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
    const worst = data.reduce((max, v, j) => Math.max(max, Math.abs(v - (other[j] ?? NaN))), 0);
    expect(worst / scale, `output ${i}`).toBeLessThan(tolerance);
  });
}

/** Values and gradients of `f`, weighed by a fixed random cotangent. */
async function agreeOnGradients(
  inputs: { data: Float32Array; shape: number[] }[],
  f: (...tensors: Tensor[]) => Tensor,
): Promise<void> {
  await agree(inputs, (...tensors) => {
    const out = f(...tensors);
    const cotangent = stream(2, 'probe', 0).fillNormal(new Float32Array(out.size));
    const dy = tf.tensor(cotangent, out.shape);
    return [out, ...tf.grads((...xs: Tensor[]) => f(...xs))(tensors, dy)];
  });
}

describe('convolution trains on WebAssembly as on the plain backend', () => {
  const cases = [8, 7, 5].flatMap((size) =>
    [1, 3, 4].flatMap((kernel) =>
      [1, 2].flatMap((stride) =>
        (['same', 'valid', 1] as const).map((pad) => ({ size, kernel, stride, pad })),
      ),
    ),
  );
  it.each(cases)('size $size, kernel $kernel, stride $stride, pad $pad', async (c) => {
    const inputs = [values(3, c.size, c.size + 1, 2), values(c.kernel, c.kernel, 2, 5)];
    await agreeOnGradients(inputs, (x, w) =>
      tf.conv2d(x as Tensor4D, w as Tensor4D, c.stride, c.pad),
    );
  });

  it('padding wider than the kernel, unequal strides, one image, explicit sides', async () => {
    await agreeOnGradients([values(1, 5, 6, 3), values(1, 1, 3, 4)], (x, w) =>
      tf.conv2d(x as Tensor4D, w as Tensor4D, 1, 2),
    );
    await agreeOnGradients([values(2, 9, 6, 3), values(3, 2, 3, 4)], (x, w) =>
      tf.conv2d(x as Tensor4D, w as Tensor4D, [2, 1], 'same'),
    );
    // Down-sampling as diffusers pads it: one row and column, below and to the right only.
    await agreeOnGradients([values(2, 8, 8, 3), values(3, 3, 3, 4)], (x, w) =>
      tf.conv2d(x as Tensor4D, w as Tensor4D, 2, [
        [0, 0],
        [0, 1],
        [0, 1],
        [0, 0],
      ]),
    );
  });

  it('transposed convolution', async () => {
    await agreeOnGradients([values(2, 4, 5, 3), values(4, 4, 2, 3)], (x, w) =>
      tf.conv2dTranspose(x as Tensor4D, w as Tensor4D, [2, 8, 10, 2], 2, 'same'),
    );
  });
});

describe('the other gradients of the model', () => {
  it.each<[string, number[][], (...xs: Tensor[]) => Tensor]>([
    [
      'matMul',
      [
        [5, 7],
        [7, 3],
      ],
      (a, b) => tf.matMul(a as Tensor2D, b as Tensor2D),
    ],
    [
      'matMul, both transposed',
      [
        [7, 5],
        [3, 7],
      ],
      (a, b) => tf.matMul(a, b, true, true),
    ],
    [
      'batched matMul, second transposed',
      [
        [2, 5, 7],
        [2, 3, 7],
      ],
      (a, b) => tf.matMul(a, b, false, true),
    ],
    ['softmax', [[4, 9]], (x) => tf.softmax(x)],
    ['logSumExp', [[4, 9]], (x) => tf.logSumExp(x, 1)],
    ['logSoftmax', [[4, 9]], (x) => tf.logSoftmax(x)],
    ['mean over inner axes', [[3, 4, 5]], (x) => tf.mean(x, [1, 2], true)],
    ['sum over the middle axis', [[3, 4, 5]], (x) => tf.sum(x, 1)],
    ['relu', [[40]], (x) => tf.relu(x)],
    ['sigmoid times x', [[40]], (x) => tf.mul(x, tf.sigmoid(x))],
    ['square root of squares', [[6, 3]], (x) => tf.sqrt(tf.add(tf.sum(tf.square(x), 1), 1e-12))],
    ['rsqrt', [[20]], (x) => tf.rsqrt(tf.add(tf.square(x), 0.1))],
    ['exp and log', [[20]], (x) => tf.log(tf.add(tf.exp(x), 1))],
    ['sin and cos', [[20]], (x) => tf.add(tf.sin(x), tf.cos(x))],
    ['tanh, erf', [[20]], (x) => tf.add(tf.tanh(x), tf.erf(x))],
    [
      'abs, pow, squaredDifference',
      [
        [4, 5],
        [4, 5],
      ],
      (a, b) => tf.add(tf.squaredDifference(a, b), tf.pow(tf.abs(a), 3)),
    ],
    ['maximum and minimum', [[20], [20]], (a, b) => tf.sub(tf.maximum(a, b), tf.minimum(a, 0.5))],
    [
      'division, broadcast both ways',
      [
        [4, 1],
        [1, 5],
      ],
      (a, b) => tf.div(a, tf.add(tf.square(b), 1)),
    ],
    [
      'concat and slice',
      [
        [2, 3, 3, 2],
        [2, 3, 3, 4],
      ],
      (a, b) => tf.slice(tf.concat([a, b], 3), [0, 1, 0, 1], [2, 2, 3, 4]),
    ],
    ['split', [[4, 6]], (x) => tf.mul(...(tf.split(x, 2, 1) as [Tensor, Tensor]))],
    [
      'transpose to five axes',
      [[2, 3, 4, 5]],
      (x) => tf.transpose(tf.reshape(x, [2, 3, 2, 2, 5]), [0, 2, 4, 1, 3]),
    ],
    [
      'pad',
      [[2, 3, 3, 2]],
      (x) =>
        tf.pad(x, [
          [0, 0],
          [1, 2],
          [0, 1],
          [0, 0],
        ]),
    ],
    ['tile', [[2, 1, 3]], (x) => tf.tile(x, [1, 4, 2])],
    ['stack and unstack', [[3, 4]], (x) => tf.stack(tf.unstack(x, 0).reverse(), 1)],
    ['expandDims and broadcast', [[3, 4]], (x) => tf.mul(tf.expandDims(x, 1), tf.ones([3, 5, 4]))],
    [
      'gather, rows repeated',
      [[5, 3]],
      (x) => tf.gather(x, tf.tensor1d([4, 0, 0, 2, 4, 4], 'int32')),
    ],
    ['gather of images', [[3, 2, 2, 1]], (x) => tf.gather(x, tf.tensor1d([1, 1, 2], 'int32'))],
    [
      'nearest enlargement',
      [[2, 3, 5, 2]],
      (x) => tf.image.resizeNearestNeighbor(x as Tensor4D, [6, 10]),
    ],
    [
      'nearest enlargement, unequal factors',
      [[2, 3, 5, 2]],
      (x) => tf.image.resizeNearestNeighbor(x as Tensor4D, [9, 5], false, true),
    ],
    ['average pooling', [[2, 4, 4, 3]], (x) => tf.avgPool(x as Tensor4D, 2, 2, 'valid')],
    ['min over an axis', [[4, 6]], (x) => tf.min(x, 1)],
    [
      'where',
      [[12]],
      (x) => tf.where(tf.greater(tf.ones([12]), tf.range(-6, 6)), x, tf.mul(x, 0.1)),
    ],
    ['clip', [[30]], (x) => tf.clipByValue(x, -1, 1)],
    [
      'variance and normalisation',
      [[4, 3, 3, 2]],
      (x) => {
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
      },
    ],
    ['euclidean norm', [[4, 6]], (x) => tf.norm(x, 'euclidean', 1)],
  ])('%s', async (_name, shapes, f) => {
    await agreeOnGradients(
      shapes.map((shape) => values(...shape)),
      f,
    );
  });

  it('segment sums drop ids that are out of range and keep empty segments at zero', async () => {
    await agree([values(4, 3)], (x) => [
      tf.unsortedSegmentSum(x, tf.tensor1d([2, 0, 2, -1], 'int32'), 4),
    ]);
  });

  it('argMin and oneHot agree', async () => {
    await agree([values(6, 5)], (x) => [tf.oneHot(tf.argMin(x, 1) as Tensor1D, 5)]);
  });
});

it('the gradient of a nearest enlargement is right for every image of a batch', async () => {
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    const dy = tf.tensor4d(
      Float32Array.from({ length: 32 }, (_, i) => i),
      [2, 4, 4, 1],
    );
    const grad = tf.grad((x: Tensor) => tf.image.resizeNearestNeighbor(x as Tensor4D, [4, 4]));
    const dx = grad(tf.zeros([2, 2, 2, 1]), dy);
    expect(Array.from(dx.dataSync()), backend).toEqual([10, 18, 42, 50, 74, 82, 106, 114]);
  }
});

it('says what to do when the memory of WebAssembly is spent', async () => {
  await tf.setBackend('wasm');
  expect(() => tf.tidy(() => tf.fill([2 ** 10, 2 ** 20], 1))).toThrow(/cannot get 4096 MB/);
  expect(tf.tidy(() => tf.add(1, 2).dataSync()[0])).toBe(3);
});

it('leaves the process its own handling of rejections', () => {
  const ours = process.rawListeners('unhandledRejection').map(String);
  expect(ours.filter((text) => /throw reason/.test(text))).toEqual([]);
});
