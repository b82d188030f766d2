import type { RunConfig } from '@shared/config/run-config';
import { DataConfigSchema } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { RequestOutput } from '@shared/protocol/contract';

export type DataDescription = RequestOutput<'data.describe'>;

/** What the engine finds at a data setting; a newer question makes an older answer void. */
export class DataReader {
  found = $state.raw<DataDescription>();
  error = $state.raw<AppError>();
  reading = $state(false);
  private asked = '';
  private abort: AbortController | undefined;

  constructor(private readonly engine: Client) {}

  async read(data: RunConfig['data'], again = false): Promise<void> {
    const parsed = DataConfigSchema.safeParse(data);
    const key = JSON.stringify(data);
    if (!parsed.success || (key === this.asked && !again)) return;
    this.asked = key;
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.reading = true;
    try {
      const found = await this.engine.request(
        'data.describe',
        { data: parsed.data },
        { signal: abort.signal },
      );
      if (abort.signal.aborted) return;
      this.found = found;
      this.error = undefined;
    } catch (thrown) {
      if (abort.signal.aborted) return;
      this.found = undefined;
      this.error = AppError.from(thrown);
    }
    this.reading = false;
  }
}

export interface SkippedGroup {
  reason: string;
  files: number;
  examples: string[];
}

/** Skipped files by reason, the most frequent first, with two examples of each. */
export function bySkipReason(skipped: DataDescription['skipped']): SkippedGroup[] {
  const groups = new Map<string, SkippedGroup>();
  for (const { what, reason } of skipped) {
    const group = groups.get(reason) ?? { reason, files: 0, examples: [] };
    group.files += 1;
    if (group.examples.length < 2) group.examples.push(what.split(/[\\/]/).pop() ?? what);
    groups.set(reason, group);
  }
  return [...groups.values()].sort((a, b) => b.files - a.files);
}
