import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';

const DRIVER = '/proc/driver/nvidia/version';
/** The first driver that CUDA 12 runs on. */
const OLDEST_DRIVER = 525;
const SET_UP = 'npm run setup:tensorflow -- --cuda';

/** What `setup:tensorflow` has written of a set-up: its files by their path in `dir`. */
const ManifestSchema = z.object({
  dir: z.string(),
  files: z.record(z.string(), z.object({ bytes: z.number() })),
});

/**
 * Why an NVIDIA card is not used by the TensorFlow that was loaded, and what to do; null where
 * there is no driver. TensorFlow itself says it in its log alone.
 *
 * @param from  the manifest of the set-up, or what else named its folder
 */
export function idleGpu(from: string, driverFile = DRIVER): string | null {
  if (!existsSync(driverFile)) return null;
  const idle = 'There is an NVIDIA driver but TensorFlow runs on the CPU';
  if (basename(from) !== 'cuda.json') return `${idle}: run ${SET_UP}.`;
  const missing = missingOf(from);
  if (missing.length > 0) {
    return `${idle}: its CUDA libraries are not whole (${missing.join(', ')}). Run ${SET_UP} --force.`;
  }
  const driver = /Module\s+(\d+)(\.\d+)*/.exec(readFileSync(driverFile, 'utf8'));
  if (driver !== null && Number(driver[1]) < OLDEST_DRIVER) {
    const found = driver[0].replace(/Module\s+/, '');
    return `${idle}: the driver is ${found} and CUDA 12 needs ${OLDEST_DRIVER} or newer. Update the driver.`;
  }
  return `${idle}, though its CUDA libraries are whole: look for the card with nvidia-smi; TF_CPP_MIN_LOG_LEVEL=0 has TensorFlow say why.`;
}

/** Names of CUDA's files that are gone or cut short, as far as the manifest tells. */
function missingOf(manifest: string): string[] {
  const read = ManifestSchema.safeParse(JSON.parse(readFileSync(manifest, 'utf8')));
  if (!read.success) return [];
  const { dir, files } = read.data;
  return Object.entries(files)
    .filter(([name, { bytes }]) => name.startsWith('nvidia/') && sizeOf(join(dir, name)) !== bytes)
    .map(([name]) => basename(name));
}

const sizeOf = (path: string): number | undefined =>
  statSync(path, { throwIfNoEntry: false })?.size;
