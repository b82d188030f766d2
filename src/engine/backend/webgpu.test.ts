import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor4D } from '@tensorflow/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { stream } from '@shared/maths/rng';
import { loadBackend } from './index';
import { registerKernels } from './kernels';
import { loadTf } from './load';
import type { Tf } from './load';
import { loadWebgpu, locateDawn, WebgpuUnavailable } from './webgpu';

afterEach(() => vi.unstubAllEnvs());

describe('where Dawn is looked for', () => {
  it('says how to set it up when there is none', () => {
    const nowhere = join(tmpdir(), 'no-cache-here');
    expect(() =>
      locateDawn({ XDG_CACHE_HOME: nowhere, LOCALAPPDATA: nowhere, HOME: nowhere }),
    ).toThrow(
      process.platform === 'darwin' ? '' : 'WebGPU is not set up: run npm run setup:webgpu.',
    );
  });

  it('takes the variable before all else', () => {
    expect(locateDawn({ PROTODIFF_WEBGPU: import.meta.filename })).toBe(import.meta.filename);
    expect(() => locateDawn({ PROTODIFF_WEBGPU: '/nowhere/dawn.node' })).toThrow(
      /names \/nowhere\/dawn\.node, which does not exist: correct or unset it/,
    );
  });

  it('is not loaded into Electron, whose process Dawn would end', () => {
    const env = { PROTODIFF_WEBGPU: import.meta.filename };
    expect(() => locateDawn(env, '22.3.25')).toThrow(/does not run inside Electron: use .*served/);
  });

  it('asked for where it cannot be had, WebAssembly trains and the reason is said', async () => {
    vi.stubEnv('PROTODIFF_BACKEND', 'webgpu');
    vi.stubEnv('PROTODIFF_WEBGPU', '/nowhere/dawn.node');
    const { info } = await loadBackend();
    expect(info).toMatchObject({ name: 'wasm', device: 'cpu' });
    expect(info.why).toMatch(/asks for webgpu\. PROTODIFF_WEBGPU names .*correct or unset it/);
  });
});

const tf = loadTf();
const why = await loadWebgpu(tf, true, null).then(
  () => null,
  (thrown: unknown) => {
    if (thrown instanceof WebgpuUnavailable) return thrown.message;
    throw thrown;
  },
);
if (why !== null) console.warn(`SKIPPED: the tests on WebGPU. ${why}`);

describe.skipIf(why !== null)('WebGPU', () => {
  it('gives the values and gradients of a convolution, a norm and attention that the CPU gives', async () => {
    registerKernels(tf, 'cpu'); // the oracle, whose own gradient of an enlargement is wrong
    const results = [];
    for (const backend of ['cpu', 'webgpu']) {
      expect(await tf.setBackend(backend)).toBe(true);
      const before = tf.memory().numTensors;
      results.push(tf.tidy(() => gradients(tf)));
      expect(tf.memory().numTensors).toBe(before);
    }
    const [expected = [], actual = []] = results;
    expected.forEach((values, i) => {
      const scale = Math.max(...values.map(Math.abs));
      const worst = Math.max(...values.map((v, j) => Math.abs(v - (actual[i]?.[j] ?? NaN))));
      expect(worst / scale, `result ${i}`).toBeLessThan(1e-5);
    });
  });

  it('reads a result again and again without waiting for the event loop', async () => {
    await tf.setBackend('webgpu');
    const sums = tf.tidy(() =>
      Array.from({ length: 20 }, (_, i) => tf.sum(tf.fill([1000], i)).dataSync()[0]),
    );
    expect(sums).toEqual(Array.from({ length: 20 }, (_, i) => 1000 * i));
  });

  it('leaves setImmediate to the process', async () => {
    await tf.setBackend('webgpu');
    const { setImmediate } = globalThis;
    tf.ones([2]).square().dataSync();
    expect(globalThis.setImmediate).toBe(setImmediate);
    await new Promise((resolve) => setImmediate(resolve));
  });
});

/** One value and its gradients of a small piece of the network. */
function gradients(tf: Tf): number[][] {
  const draw = (counter: number, shape: number[]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    return tf.tensor(stream(1, 'probe', counter).fillNormal(data), shape);
  };
  const inputs = [draw(0, [2, 8, 8, 4]), draw(1, [3, 3, 4, 6]), draw(2, [6, 6])];
  const { value, grads } = tf.valueAndGrads((x, filter, query) => {
    const h = tf.conv2d(x as Tensor4D, filter as Tensor4D, 2, 'same'); // [2, 4, 4, 6]
    const { mean, variance } = tf.moments(h, [1, 2], true);
    const tokens = tf.reshape(tf.div(tf.sub(h, mean), tf.sqrt(tf.add(variance, 1e-5))), [2, 16, 6]);
    const asked = tf.reshape(tf.matMul(tf.reshape(tokens, [32, 6]), query), [2, 16, 6]);
    const mixed = tf.matMul(tf.softmax(tf.matMul(asked, tokens, false, true)), tokens);
    const image = tf.reshape(mixed, [2, 4, 4, 6]) as Tensor4D;
    return tf.mean(tf.square(tf.sigmoid(tf.image.resizeNearestNeighbor(image, [8, 8]))));
  })(inputs);
  return [value, ...grads].map((tensor) => [...tensor.dataSync()]);
}
