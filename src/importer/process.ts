import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, assertNever } from '@shared/errors';
import { importCifar10 } from './cifar10';
import { importFolder } from './folder';
import type { Hooks, Outcome } from './folder';
import { OrderSchema, REPORT_FILE } from './job';
import type { ImportJob, News } from './job';

/**
 * The importer process: the only place where files of unknown origin are decoded. It takes one
 * order, writes the result into the folder it was given, says how it went, and ends. A crash, a
 * hang or a flood of memory here costs one data set, not the engine.
 */
const MEMORY_EVERY_MS = 250;
/** Well below the parent's budget, which a few large images may add to meanwhile. */
const FULL_BYTES = Number(process.env['PROTODIFF_IMPORTER_FULL_BYTES'] || 400e6);

function tell(news: News): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) return reject(new Error('the importer has no parent'));
    process.send(news, undefined, {}, (error) => (error ? reject(error) : resolve()));
  });
}

/** News that the parent can do without. Without a parent there is nobody left to work for. */
function mention(news: News): void {
  tell(news).catch(() => process.exit(1));
}

type Import = (job: ImportJob, work: string, hooks: Hooks) => Promise<Outcome>;

function importOf({ kind }: ImportJob): Import {
  switch (kind) {
    case 'folder':
      return importFolder;
    case 'cifar10':
      return importCifar10;
    default:
      return assertNever(kind);
  }
}

async function obey(message: unknown): Promise<News> {
  const { job, work } = OrderSchema.parse(message);
  let known = false;
  try {
    const { key, whole } = await importOf(job)(job, work, {
      progress: (progress, current) => mention({ type: 'progress', ...progress, current }),
      known: (candidate) => (known = existsSync(join(job.cache, candidate, REPORT_FILE))),
      full: () => process.memoryUsage().rss > FULL_BYTES,
    });
    if (known) return { type: 'known', key };
    return { type: whole ? 'written' : 'more', key };
  } catch (thrown) {
    return { type: 'failed', error: asAppError(thrown).toBody() };
  }
}

function asAppError(thrown: unknown): AppError {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code !== 'ENOSPC' && code !== 'EROFS' && code !== 'EDQUOT') return AppError.from(thrown);
  return new AppError('disk', `The imported images cannot be written (${code}).`, {
    remedy: 'Free some space on the disk of the workspace.',
    cause: thrown,
  });
}

process.once('disconnect', () => process.exit(1));
process.once('message', (message) => {
  const beat = setInterval(
    () => mention({ type: 'memory', rss: process.memoryUsage().rss }),
    MEMORY_EVERY_MS,
  );
  obey(message)
    .then(tell)
    .then(
      () => process.exit(0),
      (thrown: unknown) => {
        clearInterval(beat);
        console.error(thrown);
        process.exit(1);
      },
    );
});
