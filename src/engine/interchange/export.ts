import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import type { RunStore } from '../../store/port';
import { safetensorsChunks } from '../../store/safetensors';
import { runningTensors, stateFromCheckpoint, weightTensors } from '../training/checkpoint';
import { geometryOf } from '../training/program';
import { bankIn } from '../run/bank';
import { diffusersConfig } from './diffusers-config';

/** The Python module that rebuilds a model; it lies among the resources and in every export. */
export const MODULE = 'protodiff_model.py';

export interface Exported {
  run: string;
  step: number;
  dir: string;
  files: string[];
}

/**
 * Writes a folder from which PyTorch and diffusers rebuild a run's model: averaged and raw weights
 * under the reference's names, config.json, the module and a README.
 *
 * @param at         step of the checkpoint; the newest whole one where it is left out
 * @param resources  the folder that has diffusers/protodiff_model.py
 * @throws AppError bad_checkpoint when its weights are not finite, conflict when the folder is in
 *         use, disk; then nothing is there
 */
export function exportDiffusers(
  store: RunStore,
  run: string,
  { at, dir: wanted, resources }: { at?: number | undefined; dir?: string; resources: string },
): Exported {
  const loaded = store.loadCheckpoint(run, at);
  const { config } = bankIn(store.read(run), loaded);
  const { step } = loaded;
  const geometry = geometryOf(config);
  const state = stateFromCheckpoint(loaded.tensors, geometry);
  const dir = wanted ?? `${run}-step${step}-diffusers`;
  const dictOf = (kind: 'ema' | 'params'): Record<string, NdArray> => {
    const weights = state[kind].data;
    if (!weights.every(Number.isFinite)) {
      throw new AppError(
        'bad_checkpoint',
        `The weights of ${run} at step ${step} are not finite.`,
        {
          remedy: 'Name an earlier checkpoint with --checkpoint.',
        },
      );
    }
    return {
      ...weightTensors(geometry, weights),
      ...runningTensors(geometry, state.running.data, step),
    };
  };
  const metadata = { run, step: String(step), format: 'pt' };
  const text = (content: string): Uint8Array[] => [Buffer.from(content)];
  const files: Record<string, Uint8Array[]> = {
    'weights-ema.safetensors': safetensorsChunks(dictOf('ema'), metadata),
    'weights-raw.safetensors': safetensorsChunks(dictOf('params'), metadata),
    'config.json': text(`${JSON.stringify(diffusersConfig(config, { run, step }), null, 2)}\n`),
    'README.md': text(readme(run, step)),
  };
  needFree(dir);
  const staging = join(dirname(dir), `.${basename(dir)}.${process.pid}.tmp`);
  try {
    mkdirSync(staging, { recursive: true });
    for (const [name, chunks] of Object.entries(files)) write(join(staging, name), chunks);
    copyFileSync(join(resources, 'diffusers', MODULE), join(staging, MODULE));
    if (existsSync(dir)) rmdirSync(dir);
    renameSync(staging, dir);
  } catch (cause) {
    rmSync(staging, { recursive: true, force: true });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('disk', `The model could not be written to ${dir}: ${why}.`, {
      remedy: 'Name another folder with --out.',
      cause,
    });
  }
  return { run, step, dir, files: [...Object.keys(files), MODULE].sort() };
}

/** @throws AppError conflict: nothing that is there is written over */
function needFree(dir: string): void {
  if (!existsSync(dir)) return;
  const remedy = 'Remove it, or name another folder with --out.';
  try {
    if (readdirSync(dir).length === 0) return;
  } catch (cause) {
    throw new AppError('conflict', `${dir} is not a folder.`, { remedy, cause });
  }
  throw new AppError('conflict', `${dir} is there already and not empty.`, { remedy });
}

function write(file: string, chunks: readonly Uint8Array[]): void {
  const handle = openSync(file, 'w');
  try {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.byteLength;) at += writeSync(handle, chunk.subarray(at));
    }
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function readme(run: string, step: number): string {
  return `# ${run}, step ${step}

A model that Protodiff trained, for PyTorch and diffusers (\`pip install torch diffusers safetensors pillow\`):

\`\`\`python
from protodiff_model import load, sample
images = sample(load("."), count=16)  # [16, C, H, W] in [-1, 1]
\`\`\`

Or \`python protodiff_model.py --out samples.png\`. \`weights-ema.safetensors\` has the averaged weights,
from which samples come; \`weights-raw.safetensors\` those that training goes on from. Names and shapes are
the PDM reference's (arXiv 2508.09922). Both go back: \`protodiff import weights-raw.safetensors --preset …\`.
`;
}
