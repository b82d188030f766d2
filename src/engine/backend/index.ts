import { AppError } from '@shared/errors';
import type { Backend } from '@shared/protocol/contract';
import type { NativeBackend } from './binding';
import { registerKernels } from './kernels';
import { checkOneOp, loadTf } from './load';
import type { Tf } from './load';
import { loadNative, NativeUnavailable } from './native';
import { loadWasm } from './wasm';
import { loadWebgpu, WebgpuUnavailable } from './webgpu';

const CHOICES = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendChoice = (typeof CHOICES)[number];

export interface LoadedBackend {
  /** tfjs, its backend chosen: the same module as `@tensorflow/tfjs` imported elsewhere. */
  tf: Tf;
  info: Backend;
  /** The native backend, where there is one: what `capture` records. */
  native?: NativeBackend;
}

/**
 * Picks the fastest backend that works here: native TensorFlow (CUDA, then CPU), WebGPU where it is
 * set up and has a real graphics processor, WebAssembly, plain JavaScript. What is missing or broken
 * is never an error, only `info.why`. The variable PROTODIFF_BACKEND overrides `prefer`.
 * @throws AppError bad_config when PROTODIFF_BACKEND is none of the choices.
 */
export async function loadBackend(
  options: { prefer?: BackendChoice; resourcesPath?: string } = {},
): Promise<LoadedBackend> {
  const override = process.env['PROTODIFF_BACKEND'] || undefined;
  const choice = parseChoice(override ?? options.prefer ?? 'auto');
  const tf = loadTf();
  let why = override === undefined ? null : `PROTODIFF_BACKEND asks for ${override}.`;
  if (choice === 'auto' || choice === 'tensorflow') {
    try {
      return { tf, ...loadNative(tf, process.env, options.resourcesPath) };
    } catch (thrown) {
      if (!(thrown instanceof NativeUnavailable)) throw thrown;
      why = thrown.message;
    }
  }
  if (choice === 'auto' || choice === 'webgpu') {
    try {
      return { tf, info: await loadWebgpu(tf, choice === 'webgpu', why) };
    } catch (thrown) {
      if (!(thrown instanceof WebgpuUnavailable)) throw thrown;
      if (choice === 'webgpu') why = why === null ? thrown.message : `${why} ${thrown.message}`;
    }
  }
  if (choice !== 'cpu') {
    try {
      return { tf, info: await loadWasm(tf, why) };
    } catch (thrown) {
      const reason = `WebAssembly does not work here (${AppError.from(thrown).message}).`;
      why = why === null ? reason : `${why} ${reason}`;
    }
  }
  registerKernels(tf, 'cpu');
  await tf.setBackend('cpu');
  checkOneOp(tf);
  return { tf, info: { name: 'cpu', device: 'cpu', version: tf.version.tfjs, why } };
}

function parseChoice(text: string): BackendChoice {
  const choice = CHOICES.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new AppError('bad_config', `PROTODIFF_BACKEND is ${text}, which is no backend.`, {
    remedy: `Set it to ${CHOICES.join(', ')}, or unset it.`,
  });
}
