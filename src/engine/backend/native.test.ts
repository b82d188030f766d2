import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, locateNative, NativeUnavailable } from './native';

let home: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'protodiff-native-'));
  env = { XDG_CACHE_HOME: home, LOCALAPPDATA: home };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function withAddon(dir: string): string {
  mkdirSync(join(dir, 'lib', 'napi-v8'), { recursive: true });
  writeFileSync(join(dir, 'lib', 'napi-v8', 'tfjs_binding.node'), '');
  return dir;
}

function manifest(device: 'cuda' | 'cpu', text: string): void {
  mkdirSync(join(home, 'protodiff', 'tensorflow'), { recursive: true });
  writeFileSync(join(home, 'protodiff', 'tensorflow', `${device}.json`), text);
}

// macOS keeps caches in one place only, which a test must not write to.
describe.skipIf(process.platform === 'darwin')('where native TensorFlow is looked for', () => {
  it('says how to set it up when there is none', () => {
    expect(() => locateNative(env, undefined)).toThrow(
      'Native TensorFlow is not set up: run npm run setup:tensorflow.',
    );
    expect(() => locateNative(env, join(home, 'resources'))).toThrow(NativeUnavailable);
  });

  it('takes the variable before all else, and trusts nothing else when it is wrong', () => {
    manifest('cpu', JSON.stringify({ dir: withAddon(join(home, 'cpu')) }));
    const dir = withAddon(join(home, 'mine'));
    const named = { ...env, PROTODIFF_TENSORFLOW: dir };
    expect(locateNative(named, undefined)).toEqual([{ dir, from: 'PROTODIFF_TENSORFLOW' }]);
    const wrong = { ...env, PROTODIFF_TENSORFLOW: join(home, 'nowhere') };
    expect(() => locateNative(wrong, undefined)).toThrow(
      /nowhere, which has no .*correct or unset/,
    );
  });

  it('prefers the application’s own copy, then CUDA, then CPU', () => {
    const own = withAddon(join(home, 'resources', 'tensorflow'));
    const cuda = withAddon(join(home, 'cuda'));
    const cpu = withAddon(join(home, 'cpu'));
    manifest('cpu', JSON.stringify({ dir: cpu }));
    manifest('cuda', JSON.stringify({ dir: cuda }));
    const dirs = locateNative(env, join(home, 'resources')).map(({ dir }) => dir);
    expect(dirs).toEqual([own, cuda, cpu]);
  });

  it('passes over a damaged manifest where another works', () => {
    manifest('cuda', '{"dir": ');
    manifest('cpu', JSON.stringify({ dir: withAddon(join(home, 'cpu')) }));
    expect(locateNative(env, undefined)).toHaveLength(1);
  });

  it.each([
    ['{"dir": ', /cuda\.json is damaged .*setup:tensorflow/],
    ['{"dir": 7}', /it names no directory/],
    ['null', /is damaged/],
    [JSON.stringify({ dir: '/nowhere/at/all' }), /has no .* any more: run npm run/],
  ])('names what is wrong with the manifest %s', (text, message) => {
    manifest('cuda', text);
    expect(() => locateNative(env, undefined)).toThrow(message);
  });
});

describe('cacheFolder', () => {
  it('follows the custom of each platform', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/c' }, 'linux')).toBe('/c');
    expect(cacheFolder({}, 'linux')).toMatch(/\.cache$/);
    expect(cacheFolder({}, 'darwin')).toMatch(/Library.Caches$/);
    expect(cacheFolder({ LOCALAPPDATA: 'C:\\local' }, 'win32')).toBe('C:\\local');
  });
});
