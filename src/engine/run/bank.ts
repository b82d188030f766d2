import { FAMILY } from '@shared/config/family';
import type { RunConfig } from '@shared/config/run-config';
import { bankAfter, bankOf, history } from '@shared/config/surgery';
import type { Bank, Done } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import type { LoadedCheckpoint, RunRecord } from '../../store/port';

/** Metadata of a checkpoint: how many of the run's acts on prototypes are in it; none without. */
export const ACTS = 'acts';

type Steered = Pick<RunRecord, 'origin' | 'acts'>;

/** The bank that a run began with. */
export function firstBank({ config, bank }: RunRecord['origin']): Bank {
  return bank ?? bankOf(config.model.k);
}

/** The acts that a run's state has behind it, the first `count` of its journal, or all. */
export function actsDone({ origin, acts }: Steered, count = acts.length): Done[] {
  return history(
    firstBank(origin),
    acts.slice(0, count).map(({ act }) => act),
  );
}

/** The prototypes that a run has after all of its journal. */
export function bankNow(record: Steered): Bank {
  return bankAfter(firstBank(record.origin), actsDone(record));
}

/** A run's configuration with as many prototypes as it has then; the same object where nothing differs. */
export function configWith(config: RunConfig, { ids }: Bank): RunConfig {
  const { model } = config;
  if (!FAMILY[model.variant].bank || model.k === ids.length) return config;
  return { ...config, model: { ...model, k: ids.length } };
}

/**
 * The prototypes in a checkpoint: as the journal tells, checked against its tensors.
 * @throws AppError bad_checkpoint where they contradict each other
 */
export function bankIn(
  record: Steered,
  { step, tensors, metadata }: LoadedCheckpoint,
): { bank: Bank; acts: number; config: RunConfig } {
  const { config } = record.origin;
  const acts = Number(metadata[ACTS] ?? 0);
  const contradicted = (why: string): AppError =>
    new AppError('bad_checkpoint', `The checkpoint of step ${step} cannot be used: ${why}.`, {
      remedy: 'Use an earlier checkpoint.',
    });
  if (!(acts <= record.acts.length)) {
    throw contradicted(
      `it has ${metadata[ACTS]} acts behind it, the journal ${record.acts.length}`,
    );
  }
  const bank = bankAfter(firstBank(record.origin), actsDone(record, acts));
  const rows = (tensors['prototype.prototypes'] as NdArray | undefined)?.shape[0];
  if (rows !== undefined && rows !== bank.ids.length) {
    throw contradicted(`it has ${rows} prototypes, and by the journal ${bank.ids.length}`);
  }
  return { bank, acts, config: configWith(config, bank) };
}
