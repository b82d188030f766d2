import { onDestroy, untrack } from 'svelte';
import type { Session } from '../../session/session.svelte';
import { ghostsOf } from './ghosts';
import type { Ghost } from './ghosts';
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

  /** What came before the runs that are branches; drawn first, so behind. */
  private readonly ghosts = $derived.by((): Ghost[] =>
    ghostsOf(this.runs(), (run) => this.session.summaryOf(run)),
  );

  /** Runs to follow for the ghosts. */
  get ancestors(): string[] {
    return this.ghosts.map(({ run }) => run);
  }

  /** The runs themselves, without what came before them. */
  get own(): DrawnRun[] {
    return this.all.filter(({ until }) => until === undefined);
  }

  private get lines(): Ghost[] {
    return [...this.ghosts, ...this.runs().map((run) => ({ run, until: undefined }))];
  }

  private readonly words = $derived.by(() =>
    this.lines
      .map(({ run, until }) => {
        const { session } = this;
        const { name, colour } = session.summaryOf(run) ?? {};
        return [
          run,
          name,
          colour,
          until,
          session.active?.run === run,
          session.pool.get(run) !== undefined,
        ];
      })
      .join('\n'),
  );

  readonly all = $derived.by((): DrawnRun[] => {
    void this.words;
    return untrack(() =>
      this.lines.flatMap(({ run, until }): DrawnRun[] => {
        const followed = this.session.pool.get(run);
        const summary = this.session.summaryOf(run) ?? followed?.record?.summary;
        const { name = run, colour = 0 } = summary ?? {};
        const live = until === undefined && this.session.active?.run === run;
        const part = until === undefined ? {} : { until };
        return followed ? [{ session: followed, name, colour, live, ...part }] : [];
      }),
    );
  });
}

/** Runs of a cell, followed with their ancestors for as long as it lives. */
export function drawRuns(
  session: Session,
  owner: string,
  runs: () => readonly string[],
): DrawnRuns {
  const drawn = new DrawnRuns(session, runs);
  $effect(() => session.pool.want(owner, [...runs(), ...drawn.ancestors]));
  onDestroy(() => session.pool.want(owner, []));
  return drawn;
}
