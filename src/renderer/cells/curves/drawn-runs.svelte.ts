import { untrack } from 'svelte';
import type { Session } from '../../session/session.svelte';
import type { DrawnRun } from './run-lines';

/**
 * The runs that are drawn, in their order. The list is a new one only when something that is drawn
 * differs: summaries of running runs change with every heartbeat.
 */
export class DrawnRuns {
  constructor(
    private readonly session: Session,
    private readonly runs: () => readonly string[],
  ) {}

  private readonly words = $derived.by(() =>
    this.runs()
      .map((run) => {
        const { session } = this;
        const { name, colour } = session.summaryOf(run) ?? {};
        return [
          run,
          name,
          colour,
          session.active?.run === run,
          session.pool.get(run) !== undefined,
        ];
      })
      .join('\n'),
  );

  readonly all = $derived.by((): DrawnRun[] => {
    void this.words;
    return untrack(() =>
      this.runs().flatMap((run): DrawnRun[] => {
        const followed = this.session.pool.get(run);
        const summary = this.session.summaryOf(run) ?? followed?.record?.summary;
        const { name = run, colour = 0 } = summary ?? {};
        const live = this.session.active?.run === run;
        return followed ? [{ session: followed, name, colour, live }] : [];
      }),
    );
  });
}
