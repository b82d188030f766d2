import { choicesOf } from '@shared/config/family';
import type { RunConfig } from '@shared/config/run-config';
import { comparable } from '@shared/config/sampling-rows';
import { bankAfter, history } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { RunSummary } from '@shared/protocol/contract';

/** A run whose images can stand beside those of the run that is viewed. */
export interface OtherRun {
  run: string;
  name: string;
  /** The numbers of its prototypes or classes. */
  ids: readonly number[];
  /** Training steps of its stored checkpoints, ascending. */
  checkpoints: number[];
}

/** As many of the newest runs are looked at. */
const MOST = 24;

/** The other runs of the workspace that rows may come from; read when the picker is opened. */
export class OtherRuns {
  list = $state.raw<readonly OtherRun[]>([]);
  error = $state.raw<AppError>();

  constructor(private readonly engine: Client) {}

  async load(own: string, config: RunConfig, runs: readonly RunSummary[]): Promise<void> {
    const stored = runs
      .filter(({ run, last_checkpoint }) => run !== own && last_checkpoint !== null)
      .sort((a, b) => b.created - a.created)
      .slice(0, MOST);
    const read = stored.map(async ({ run, name }) => {
      const {
        config: other,
        checkpoints,
        bank,
        acts,
      } = await this.engine.request('run.get', { run });
      if (!comparable(config, other)) return [];
      const steps = [...new Set(checkpoints.map(({ step }) => step))].sort((a, b) => a - b);
      const past = history(
        bank,
        acts.map(({ act }) => act),
      );
      const ids = choicesOf(other.model) === 0 ? [] : bankAfter(bank, past).ids;
      return [{ run, name, ids, checkpoints: steps }];
    });
    try {
      this.list = (await Promise.all(read)).flat();
      this.error = undefined;
    } catch (thrown) {
      this.error = AppError.from(thrown);
    }
  }
}
