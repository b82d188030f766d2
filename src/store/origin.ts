import { z } from 'zod';
import { AppError } from '@shared/errors';
import { JournalPlanSchema } from '@shared/config/journal';
import { BankSchema } from '@shared/config/surgery';
import { RunConfigSchema } from '@shared/config/run-config';
import { ParentSchema } from '@shared/protocol/contract-runs';
import { atomicWrite } from './atomic';
import { guarded } from './disk-error';
import type { FsPort } from './fs-port';
import type { RunFolder } from './run-folder';

const FORMAT = 1;

const OriginSchema = z.object({
  format: z.number().int(),
  /** Unix ms. */
  created: z.number(),
  name: z.string(),
  colour: z.number().int().nonnegative(),
  config: RunConfigSchema,
  plan: JournalPlanSchema.optional(),
  bank: BankSchema.optional(),
  parent: ParentSchema.optional(),
  job: z.number().int().positive().optional(),
  data: z.object({ name: z.string(), fingerprint: z.string(), images: z.number() }),
  versions: z.record(z.string(), z.string()),
});
/** run.json: written once, when the run is created. */
export type Origin = Omit<z.infer<typeof OriginSchema>, 'format'>;

export function writeOrigin(fs: FsPort, folder: RunFolder, origin: Origin): void {
  const text = `${JSON.stringify({ format: FORMAT, ...origin }, null, 2)}\n`;
  atomicWrite(fs, folder.origin, [Buffer.from(text)]);
}

/** @throws AppError disk, saying what is wrong with the file */
export function readOrigin(fs: FsPort, folder: RunFolder): Origin {
  const what = `run.json of ${folder.run} could not be read`;
  const bytes = guarded(what, () => fs.readFile(folder.origin));
  const { format, ...origin } = parse(what, bytes.toString('utf8'));
  if (format > FORMAT) {
    throw new AppError('disk', `${what}: a later Protodiff wrote it (format ${format}).`, {
      remedy: 'Open it with that version, or update this one.',
    });
  }
  return origin;
}

function parse(what: string, text: string): z.infer<typeof OriginSchema> {
  try {
    return OriginSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? `${error.issues[0]?.path.join('.') ?? ''} ${error.issues[0]?.message ?? ''}`
        : 'it is not whole JSON';
    throw new AppError('disk', `${what}: ${reason.trim()}.`, {
      remedy: 'Put the folder back from a copy; the other runs are not affected.',
      cause: error,
    });
  }
}
