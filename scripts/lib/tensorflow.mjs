import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, sizeOf } from './files.mjs';
import { run } from './run.mjs';
import { cacheFolder, which } from './places.mjs';

export const VERSION = '2.21.0';
export const NAPI = 8; // serves Node 16 to 24 and every Electron that we start
export const ADDON = 'lib/napi-v8/tfjs_binding.node';

/**
 * Where the libraries come from. Bytes are those of the wheels, as an estimate for the bar and the
 * free space; sha256 pins what pip may bring.
 */
const WHEELS = {
  'cpu-x64': {
    requirement: `tensorflow-cpu==${VERSION}`,
    sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
    bytes: 274e6,
    unpacked: 820e6,
  },
  'cpu-arm64': {
    requirement: `tensorflow==${VERSION}`,
    sha256: 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
    bytes: 280e6,
    unpacked: 900e6,
  },
  'cuda-x64': {
    requirement: `tensorflow==${VERSION}`,
    sha256: 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
    bytes: 572e6,
    unpacked: 1600e6,
    // The nvidia-*-cu12 wheels that the `and-cuda` extra names, together.
    cuda: { bytes: 2600e6, unpacked: 4200e6 },
  },
};

/** What to download for this machine, or undefined where there is nothing for it. */
export function wheelFor(flavour, arch = process.arch) {
  return WHEELS[`${flavour}-${arch}`];
}

const tensorflowCache = () => join(cacheFolder(), 'tensorflow');
export const folderFor = (flavour) => join(tensorflowCache(), `${VERSION}-${flavour}`);
export const manifestFor = (flavour) => join(tensorflowCache(), `${flavour}.json`);

/** An NVIDIA driver answers on this machine. */
export async function hasNvidia() {
  if (existsSync('/proc/driver/nvidia/version')) return true;
  const tool = which('nvidia-smi');
  return tool !== undefined && (await run(tool, ['-L'], { timeout: 10_000 })).code === 0;
}

/** The manifest of a flavour whose addon and libraries are all there at their full size. */
export function installed(flavour) {
  const manifest = readJson(manifestFor(flavour));
  if (manifest?.version !== VERSION || !existsSync(join(manifest.dir, ADDON))) return undefined;
  const whole = Object.entries(manifest.files).every(
    ([name, { bytes }]) => sizeOf(join(manifest.dir, name)) === bytes,
  );
  return whole ? manifest : undefined;
}

/**
 * The TensorFlow that the engine will find, in its order: the environment's, CUDA, CPU.
 * @returns {{dir: string, flavour: 'cuda' | 'cpu' | 'given', version?: string} | undefined}
 */
export function findTensorFlow(env = process.env) {
  const given = env.PROTODIFF_TENSORFLOW;
  if (given !== undefined && given !== '') {
    return existsSync(join(given, ADDON)) ? { dir: given, flavour: 'given' } : undefined;
  }
  return installed('cuda') ?? installed('cpu');
}
