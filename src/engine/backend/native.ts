import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Backend } from '@shared/protocol/contract';
import type { NativeBackend } from './binding';
import { idleGpu } from './idle-gpu';
import { checkOneOp, requirePackage } from './load';
import type { Tf } from './load';

const ADDON = join('lib', 'napi-v8', 'tfjs_binding.node');
const SET_UP = 'run npm run setup:tensorflow';

interface Addon {
  TF_Version: string;
  isUsingGpuDevice(): boolean;
}

/** Why native TensorFlow cannot be had, as one sentence that ends with what to do. */
export class NativeUnavailable extends Error {}

export interface NativeLocation {
  dir: string;
  /** Where the directory was named, for messages. */
  from: string;
}

/**
 * The directories that may hold the addon and its libraries, the most explicit first: the
 * PROTODIFF_TENSORFLOW variable (alone, when set), the packaged application's resources, then what
 * `setup:tensorflow` recorded in the user's cache, CUDA before CPU.
 * @throws NativeUnavailable when there is none, or the variable names a folder without the addon.
 */
export function locateNative(
  env: NodeJS.ProcessEnv,
  resourcesPath: string | undefined,
): NativeLocation[] {
  const named = env['PROTODIFF_TENSORFLOW'];
  if (named) {
    if (existsSync(join(named, ADDON))) return [{ dir: named, from: 'PROTODIFF_TENSORFLOW' }];
    throw new NativeUnavailable(
      `PROTODIFF_TENSORFLOW names ${named}, which has no ${ADDON}: correct or unset it.`,
    );
  }
  const found: NativeLocation[] = [];
  if (resourcesPath !== undefined) {
    found.push({ dir: join(resourcesPath, 'tensorflow'), from: 'the application' });
  }
  const problems: string[] = [];
  for (const device of ['cuda', 'cpu']) {
    const manifest = join(cacheFolder(env), 'protodiff', 'tensorflow', `${device}.json`);
    if (!existsSync(manifest)) continue;
    try {
      found.push({ dir: readManifest(manifest), from: manifest });
    } catch (thrown) {
      problems.push(`${manifest} is damaged (${firstLine(thrown)})`);
    }
  }
  const whole = found.filter(({ dir }) => existsSync(join(dir, ADDON)));
  if (whole.length > 0) return whole;
  const gone = found.find(({ from }) => from !== 'the application');
  if (gone) problems.push(`${gone.dir} has no ${ADDON} any more`);
  throw new NativeUnavailable(
    problems.length > 0
      ? `Native TensorFlow cannot be used, ${problems.join(' and ')}: ${SET_UP}.`
      : `Native TensorFlow is not set up: ${SET_UP}.`,
  );
}

/**
 * Loads native TensorFlow into this process and makes it tfjs's backend. A process can hold one
 * TensorFlow only: where a library was loaded but does not compute, no other is tried.
 * @throws NativeUnavailable, with the reason and what to do.
 */
export function loadNative(
  tf: Tf,
  env: NodeJS.ProcessEnv,
  resourcesPath: string | undefined,
): { info: Backend; native: NativeBackend } {
  const locations = locateNative(env, resourcesPath);
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  // float32 is float32 on CUDA too: cuBLAS and cuDNN would round factors to 10 bits (TF32); 1 lets them.
  env['NVIDIA_TF32_OVERRIDE'] ??= '0';
  restoreUtil();

  const { addon, from } = loadAddon(locations, env);
  try {
    requirePackage('@tensorflow/tfjs-node-gpu/dist/register_all_kernels');
    const { NodeJSKernelBackend } = requirePackage(
      '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend',
    ) as {
      NodeJSKernelBackend: new (
        addon: Addon,
        packageName: string,
      ) => NativeBackend & InstanceType<Tf['KernelBackend']>;
    };
    if (tf.findBackend('tensorflow') === null) {
      const backend = new NodeJSKernelBackend(addon, '@tensorflow/tfjs-node');
      tf.registerBackend('tensorflow', () => backend, 3);
    }
    void tf.setBackend('tensorflow'); // settles at once for a factory that is not asynchronous
    checkOneOp(tf);
    const device = addon.isUsingGpuDevice() ? 'cuda' : 'cpu';
    const why = device === 'cuda' ? null : idleGpu(from);
    return {
      info: { name: 'tensorflow', device, version: addon.TF_Version, why },
      native: tf.backend() as unknown as NativeBackend,
    };
  } catch (thrown) {
    if (tf.findBackend('tensorflow') !== null) tf.removeBackend('tensorflow');
    throw new NativeUnavailable(
      `Native TensorFlow loaded but cannot compute (${firstLine(thrown)}): ${SET_UP} -- --force.`,
      { cause: thrown },
    );
  }
}

function loadAddon(
  locations: NativeLocation[],
  env: NodeJS.ProcessEnv,
): { addon: Addon; from: string } {
  const problems: string[] = [];
  for (const { dir, from } of locations) {
    // Windows looks for the addon's libraries along PATH; elsewhere the addon knows where they are.
    if (process.platform === 'win32') {
      env['PATH'] = [join(dir, 'deps', 'lib'), env['PATH'] ?? ''].join(delimiter);
    }
    try {
      return { addon: requirePackage(join(dir, ADDON)) as Addon, from };
    } catch (thrown) {
      problems.push(firstLine(thrown));
    }
  }
  throw new NativeUnavailable(
    `Native TensorFlow does not load (${problems.join('; ')}): ${SET_UP} -- --force.`,
  );
}

function readManifest(path: string): string {
  const { dir } = JSON.parse(readFileSync(path, 'utf8')) as { dir?: unknown };
  if (typeof dir !== 'string' || dir === '') throw new Error('it names no directory');
  return dir;
}

/** The user's cache folder by the custom of the platform. */
export function cacheFolder(env: NodeJS.ProcessEnv, platform = process.platform): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  if (platform === 'win32') return env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local');
  return env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
}

/** tfjs-node calls two functions of `util` that Node 23 removed (tfjs #8609). */
function restoreUtil(): void {
  const util = requirePackage('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] ??= (value: unknown): boolean => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;
}

export function firstLine(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return message.split('\n', 1)[0] ?? message;
}
