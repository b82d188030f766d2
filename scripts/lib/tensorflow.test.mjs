import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeJson } from './files.mjs';
import { ADDON, VERSION, findTensorFlow, folderFor, manifestFor, wheelFor } from './tensorflow.mjs';

const LIBRARY = 'tensorflow/libtensorflow_cc.so.2';

let cache;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'protodiff-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.stubEnv('LOCALAPPDATA', cache);
  vi.stubEnv('HOME', cache);
  vi.stubEnv('PROTODIFF_TENSORFLOW', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

function put(dir) {
  for (const name of [ADDON, LIBRARY]) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), 'binary');
  }
}

function install(flavour, more = {}) {
  const dir = folderFor(flavour);
  put(dir);
  const files = { [LIBRARY]: { bytes: 6, sha256: '' } };
  writeJson(manifestFor(flavour), { dir, flavour, version: VERSION, files, ...more });
  return dir;
}

describe('findTensorFlow', () => {
  it('finds nothing in an empty cache', () => {
    expect(findTensorFlow()).toBeUndefined();
  });

  it('prefers CUDA to the CPU', () => {
    install('cpu');
    expect(findTensorFlow()?.flavour).toBe('cpu');
    install('cuda');
    expect(findTensorFlow()?.flavour).toBe('cuda');
  });

  it('does not take a library that was cut short', () => {
    const dir = install('cpu');
    truncateSync(join(dir, LIBRARY), 3);
    expect(findTensorFlow()).toBeUndefined();
  });

  it('does not take one without its addon, or of another version', () => {
    rmSync(join(install('cpu'), ADDON));
    expect(findTensorFlow()).toBeUndefined();
    install('cpu', { version: '2.9.1' });
    expect(findTensorFlow()).toBeUndefined();
  });

  it('takes the one that the environment names, and only that', () => {
    install('cpu');
    const given = join(cache, 'mine');
    expect(findTensorFlow({ PROTODIFF_TENSORFLOW: given })).toBeUndefined();
    put(given);
    expect(findTensorFlow({ PROTODIFF_TENSORFLOW: given })?.dir).toBe(given);
  });
});

describe('wheelFor', () => {
  it('pins every wheel by its hash', () => {
    for (const [flavour, arch] of [
      ['cpu', 'x64'],
      ['cpu', 'arm64'],
      ['cuda', 'x64'],
    ]) {
      expect(wheelFor(flavour, arch)?.sha256).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(wheelFor('cuda', 'arm64')).toBeUndefined();
  });
});
