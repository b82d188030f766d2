import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadBackend } from './index';
import { locateNative, NativeUnavailable } from './native';

afterEach(() => vi.unstubAllEnvs());

function missing(): string | undefined {
  try {
    locateNative(process.env, undefined);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof NativeUnavailable) return thrown.message;
    throw thrown;
  }
}

const why = missing();
if (why !== undefined) console.warn(`SKIPPED: the tests of the native backend. ${why}`);

describe('loadBackend without a native library', () => {
  beforeEach(() => void vi.stubEnv('PROTODIFF_WEBGPU', join(tmpdir(), 'no-webgpu-here')));

  it('trains on WebAssembly and says how to get the native one', async () => {
    vi.stubEnv('PROTODIFF_TENSORFLOW', join(tmpdir(), 'no-tensorflow-here'));
    const { info, tf, native } = await loadBackend();
    expect(native).toBeUndefined();
    expect(info).toMatchObject({ name: 'wasm', device: 'cpu', version: '4.22.0' });
    expect(info.why).toMatch(/PROTODIFF_TENSORFLOW names .*correct or unset it/);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('a library that does not load is a reason, not a failure', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'protodiff-broken-'));
    mkdirSync(join(dir, 'lib', 'napi-v8'), { recursive: true });
    writeFileSync(join(dir, 'lib', 'napi-v8', 'tfjs_binding.node'), 'not a library');
    vi.stubEnv('PROTODIFF_TENSORFLOW', dir);
    const { info } = await loadBackend({ prefer: 'tensorflow' });
    expect(info.name).toBe('wasm');
    expect(info.why).toMatch(/does not load .*setup:tensorflow -- --force\.$/);
    expect(info.why).not.toContain('\n');
    rmSync(dir, { recursive: true });
  });

  it('PROTODIFF_BACKEND overrides the preference', async () => {
    vi.stubEnv('PROTODIFF_BACKEND', 'cpu');
    const { info, tf } = await loadBackend({ prefer: 'tensorflow' });
    expect(info).toMatchObject({ name: 'cpu', why: 'PROTODIFF_BACKEND asks for cpu.' });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('refuses a backend that does not exist', async () => {
    vi.stubEnv('PROTODIFF_BACKEND', 'metal');
    await expect(loadBackend()).rejects.toMatchObject({ code: 'bad_config' });
  });

  it('leaves the process its own handling of rejections', async () => {
    const before = process.listenerCount('unhandledRejection');
    await loadBackend({ prefer: 'wasm' });
    expect(process.listenerCount('unhandledRejection')).toBe(before);
  });
});

describe.skipIf(why !== undefined)('loadBackend with native TensorFlow', () => {
  it('runs on it, twice in one process, and hands out its handle', async () => {
    for (let time = 0; time < 2; time++) {
      const { info, tf, native } = await loadBackend();
      expect(info.name).toBe('tensorflow');
      expect(info.version).toMatch(/^\d+\.\d+/);
      expect(tf.getBackend()).toBe('tensorflow');
      expect(native?.binding['TF_Version']).toBe(info.version);
      const grad = tf.grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([1, 2, 3]));
      expect(Array.from(grad.dataSync())).toEqual([2, 4, 6]);
    }
  });
});
