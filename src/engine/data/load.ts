import { basename, join } from 'node:path';
import type { RunConfig } from '@shared/config/run-config';
import { assertNever } from '@shared/errors';
import type { ImportJob, ImportProgress, ImportResult } from '../../importer/job';
import { dataset } from './dataset';
import type { Dataset } from './dataset';
import { loadDigits, loadEmoji } from './shipped';

export interface LoadContext {
  /** The folder that holds the shipped `digits` and `emoji`. */
  resources: string;
  /** Where imported images are kept between runs. */
  cache: string;
  /** Decodes a user's files, in a process of its own. */
  importer: (
    job: ImportJob,
    how: { signal?: AbortSignal; onProgress?: (progress: ImportProgress) => void },
  ) => Promise<ImportResult>;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
}

/**
 * Reads the images that a configuration names, at its size and channels.
 * @throws AppError bad_data (missing, empty, damaged), bad_config (a size that cannot be had),
 *   cancelled
 */
export async function loadDataset(
  config: RunConfig['data'],
  context: LoadContext,
): Promise<Dataset> {
  const { source } = config;
  switch (source.kind) {
    case 'digits':
      return loadDigits(context.resources, config);
    case 'emoji':
      return loadEmoji(context.resources, config);
    case 'folder':
    case 'cifar10': {
      const { image_size, channels } = config;
      const job = { ...source, image_size, channels, cache: join(context.cache, 'imports') };
      const { signal, onProgress } = context;
      const { images_sha256, ...parts } = await context.importer(job, { signal, onProgress });
      const name = source.kind === 'cifar10' ? 'cifar10' : basename(source.path);
      return dataset({ name, ...parts }, images_sha256);
    }
    default:
      return assertNever(source);
  }
}
