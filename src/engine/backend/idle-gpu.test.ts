import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idleGpu } from './idle-gpu';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'protodiff-gpu-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const LIBRARIES = ['nvidia/cudnn/lib/libcudnn.so.9', 'nvidia/cublas/lib/libcublas.so.12'];
const driver = (version: string): string =>
  file(
    'driver',
    `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Mon Jan  1\nGCC version: 12\n`,
  );

function manifest(): string {
  for (const name of LIBRARIES) file(name, 'library');
  const files = Object.fromEntries(LIBRARIES.map((name) => [name, { sha256: '', bytes: 7 }]));
  return file('cuda.json', JSON.stringify({ dir: home, files }));
}

describe('an NVIDIA card that is not used', () => {
  it('is no matter where there is no driver', () => {
    expect(idleGpu(manifest(), join(home, 'none'))).toBeNull();
  });

  it('needs the CUDA set-up where only another is there', () => {
    expect(idleGpu(join(home, 'cpu.json'), driver('580.1'))).toMatch(
      /setup:tensorflow -- --cuda\.$/,
    );
  });

  it('lacks the libraries that are named, gone or cut short', () => {
    const from = manifest();
    rmSync(join(home, LIBRARIES[0] ?? ''));
    expect(idleGpu(from, driver('580.1'))).toContain('(libcudnn.so.9). Run');
    file(LIBRARIES[1] ?? '', 'lib');
    expect(idleGpu(from, driver('580.1'))).toContain('(libcudnn.so.9, libcublas.so.12)');
  });

  it('has a driver that is too old, or TensorFlow is to say why', () => {
    expect(idleGpu(manifest(), driver('470.57.02'))).toMatch(/is 470\.57\.02 and .* 525 or newer/);
    expect(idleGpu(manifest(), driver('580.159.04'))).toContain('TF_CPP_MIN_LOG_LEVEL=0');
  });
});
