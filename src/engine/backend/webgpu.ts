import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import type { Backend } from '@shared/protocol/contract';
import { checkOneOp, requirePackage } from './load';
import type { Tf } from './load';
import { cacheFolder, firstLine } from './native';

/** The release of the npm package `webgpu` that `setup:webgpu` brings; see scripts/setup-webgpu.mjs. */
export const DAWN_VERSION = '0.6.2';
const SET_UP = 'run npm run setup:webgpu';

/** Why WebGPU cannot be had, as one sentence that ends with what to do. */
export class WebgpuUnavailable extends Error {}

/** What we use of Dawn's Node addon. */
interface Dawn {
  create(options: string[]): { requestAdapter(options: object): Promise<Adapter | null> };
  /** The classes and constants that a browser has as globals. */
  globals: Record<string, unknown>;
}
interface Adapter {
  info: { vendor: string; description: string; isFallbackAdapter?: boolean };
  limits: Record<string, number>;
  requestDevice(descriptor: object): Promise<Device>;
}
interface Device {
  addEventListener(kind: 'uncapturederror', listener: (event: GpuErrorEvent) => void): void;
  lost: Promise<{ message: string }>;
}
interface GpuErrorEvent {
  error: { message: string };
}
interface StagingBuffer {
  readonly mapState: 'unmapped' | 'pending' | 'mapped';
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
}
interface Stored {
  dtype: 'float32' | 'int32' | 'bool';
  values: ArrayBufferView | null;
  resource: { size: number };
}
/** What we use of tfjs's backend. */
interface WebgpuBackend {
  tensorMap: { get(dataId: object): Stored };
  bufferManager: {
    acquireBuffer(bytes: number, usage: number): StagingBuffer;
    releaseBuffer(buffer: StagingBuffer): void;
  };
  commandEncoder: {
    copyBufferToBuffer(from: object, at: number, to: object, toAt: number, bytes: number): void;
  };
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  readSync(dataId: object): ArrayBufferView;
}

const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
];
/** Of GPUBufferUsage and GPUMapMode, numbers of the WebGPU standard. */
const MAP_READ = 0x1;
const COPY_DST = 0x8;
const READ = 0x1;

/**
 * Dawn's addon: what PROTODIFF_WEBGPU names, or what `setup:webgpu` put into the user's cache.
 * @throws WebgpuUnavailable
 */
export function locateDawn(
  env: NodeJS.ProcessEnv,
  electron = process.versions['electron'],
): string {
  if (electron !== undefined) {
    throw new WebgpuUnavailable(
      'WebGPU does not run inside Electron: use npm start -- --served, or the command line.',
    );
  }
  const named = env['PROTODIFF_WEBGPU'];
  const path = named || join(cacheFolder(env), 'protodiff', 'webgpu', DAWN_VERSION, 'dawn.node');
  if (existsSync(path)) return path;
  throw new WebgpuUnavailable(
    named
      ? `PROTODIFF_WEBGPU names ${named}, which does not exist: correct or unset it.`
      : `WebGPU is not set up: ${SET_UP}.`,
  );
}

/** The graphics processor of this process; a process keeps the first that it opened. */
let held: { backend: WebgpuBackend; description: string; software: boolean } | null = null;

/**
 * Makes WebGPU on Dawn tfjs's backend: eager, on any graphics processor with a Vulkan, Metal or
 * Direct3D 12 driver.
 * @param software  take a driver that only imitates a graphics processor too
 * @throws WebgpuUnavailable, with the reason and what to do.
 */
export async function loadWebgpu(tf: Tf, software: boolean, why: string | null): Promise<Backend> {
  const addon = locateDawn(process.env);
  held ??= await open(addon);
  if (held.software && !software) {
    throw new WebgpuUnavailable(`WebGPU has no graphics processor here but ${held.description}.`);
  }
  const { backend, description } = held;
  try {
    if (tf.findBackend('webgpu') === null) {
      tf.registerBackend('webgpu', () => backend as unknown as InstanceType<Tf['KernelBackend']>);
    }
    if (!(await tf.setBackend('webgpu'))) throw new Error('it does not start');
    checkOneOp(tf);
  } catch (thrown) {
    if (tf.findBackend('webgpu') !== null) tf.removeBackend('webgpu');
    throw new WebgpuUnavailable(
      `WebGPU loaded but cannot compute on ${description} (${firstLine(thrown)}).`,
      { cause: thrown },
    );
  }
  return { name: 'webgpu', device: 'gpu', version: description, why };
}

async function open(addon: string): Promise<NonNullable<typeof held>> {
  try {
    // Before there is a navigator.gpu, or the package would register a backend of its own.
    const { WebGPUBackend } = requirePackage('@tensorflow/tfjs-backend-webgpu') as {
      WebGPUBackend: new (device: Device, info: object) => WebgpuBackend;
    };
    const dawn = requirePackage(addon) as Dawn;
    Object.assign(globalThis, dawn.globals);
    const gpu = dawn.create([]);
    offer(gpu);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) {
      throw new WebgpuUnavailable(
        'WebGPU finds no graphics processor: it needs a Vulkan, Metal or Direct3D 12 driver.',
      );
    }
    const { info, limits } = adapter;
    const device = await adapter.requestDevice({
      requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
    });
    // Dawn's last look at what is done by now must be behind us: see `map`.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const backend = new WebGPUBackend(device, info);
    readAtOnce(backend, device);
    const description = info.description || info.vendor || 'an unnamed adapter';
    return { backend, description, software: info.isFallbackAdapter === true };
  } catch (thrown) {
    if (thrown instanceof WebgpuUnavailable) throw thrown;
    throw new WebgpuUnavailable(`WebGPU does not load (${firstLine(thrown)}): ${SET_UP}.`, {
      cause: thrown,
    });
  }
}

/** tfjs looks for `navigator.gpu`, which Node 16 to 20 has no navigator for. */
function offer(gpu: object): void {
  const { navigator } = globalThis as { navigator?: object };
  if (navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  } else Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
}

/**
 * Lets `dataSync` read from the device: tfjs does it through a canvas, which Node has not.
 * A validation error or a lost device, which WebGPU reports beside the work, is thrown here, before
 * values that mean nothing leave the device.
 */
function readAtOnce(backend: WebgpuBackend, device: Device): void {
  let broken: string | null = null;
  device.addEventListener('uncapturederror', ({ error }) => (broken ??= error.message));
  void device.lost.then(({ message }) => (broken ??= message));

  backend.readSync = (dataId) => {
    const stored = backend.tensorMap.get(dataId);
    if (stored.values !== null && stored.values !== undefined) return stored.values;
    const { size } = stored.resource;
    const staging = backend.bufferManager.acquireBuffer(size, COPY_DST | MAP_READ);
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.commandEncoder.copyBufferToBuffer(stored.resource, 0, staging, 0, size);
    backend.submitQueue();
    map(staging);
    if (staging.mapState !== 'mapped' || broken !== null) {
      throw new AppError(
        'unavailable',
        `The graphics processor gave up: ${broken ?? 'a result cannot be read'}.`,
        { remedy: 'Use a smaller batch or model, or another backend (PROTODIFF_BACKEND).' },
      );
    }
    const bytes = staging.getMappedRange().slice(0);
    staging.unmap();
    backend.bufferManager.releaseBuffer(staging);
    stored.values = stored.dtype === 'float32' ? new Float32Array(bytes) : new Int32Array(bytes);
    return stored.values;
  };
}

/**
 * Waits for a buffer without giving up the thread. Dawn looks for finished work in a callback that
 * it hands to `setImmediate`; while it waits here, that callback is called directly.
 */
function map(buffer: StagingBuffer): void {
  const { setImmediate } = globalThis;
  const queued: (() => void)[] = [];
  const collect = (work: () => void): void => void queued.push(work);
  globalThis.setImmediate = collect as unknown as typeof setImmediate;
  try {
    buffer.mapAsync(READ).catch(() => undefined); // mapState tells the same
    while (buffer.mapState === 'pending') {
      const work = queued.shift();
      if (work === undefined) throw new Error('Dawn waits for nothing');
      work();
    }
  } finally {
    globalThis.setImmediate = setImmediate;
    for (const work of queued) setImmediate(work);
  }
}
