import type { Notice, RunEvent } from '@shared/protocol/contract';
import type { MetricRow } from '../../store/port';
import { topic } from '../topics';
import type { Topics } from '../topics';
import type { OpenRun } from './open';

/** Metrics reach the disk at most this much later than their step, ms. */
export const FLUSH_MS = 50;
export const HEARTBEAT_MS = 1000;

export type Notify = (level: Notice['level'], message: string, remedy?: string) => void;

/** Writes what happens in the active run into its folder: rows of metrics, events, that it lives. */
export class Recorder {
  private pending: MetricRow[] = [];
  private flushedAt = 0;
  private beatAt = 0;

  constructor(
    private readonly open: OpenRun,
    private readonly topics: Topics,
    private readonly notify: Notify,
    private readonly clock: () => number,
  ) {}

  /** Rows are written some at a time. @throws AppError disk */
  row(row: MetricRow): void {
    this.pending.push(row);
    if (this.clock() - this.flushedAt >= FLUSH_MS) this.flush();
  }

  /** @throws AppError disk; the rows are kept for the next time */
  flush(): void {
    if (this.pending.length === 0) return;
    const differs = this.open.writer.appendMetrics(this.pending);
    this.pending = [];
    if (differs !== null) this.diverged(differs);
    this.flushedAt = this.clock();
    this.topics.changed(topic.curves(this.open.writer.run));
  }

  event(kind: RunEvent['kind'], message: string): void {
    const { writer, trainer } = this.open;
    writer.appendEvent({ wall: this.clock(), step: trainer.step, kind, message });
  }

  /** Into the run's history, and told. */
  note(message: string, remedy?: string): void {
    this.event('note', message);
    this.notify('warning', message, remedy);
  }

  /** Tells others that the run is in good hands, at most once in HEARTBEAT_MS unless `now`. */
  beat(paused: boolean, now: boolean): void {
    if (!now && this.clock() - this.beatAt < HEARTBEAT_MS) return;
    this.beatAt = this.clock();
    this.open.writer.heartbeat({ step: this.open.trainer.step, paused });
    this.topics.changed(topic.beat);
  }

  /** A step that was done again gave other figures than it had: those are kept no longer. */
  private diverged(step: number): void {
    this.open.planned.unwritten();
    this.open.micro.forgetAfter(step - 1);
    this.note(
      `Step ${step} came out differently when it was done again, as on other hardware; what was recorded from there on is replaced.`,
    );
    this.topics.changed(topic.rewound(this.open.writer.run));
  }
}
