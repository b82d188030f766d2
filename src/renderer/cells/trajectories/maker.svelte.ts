import type { TrajectoryPlan } from '@shared/config/sampling-rows';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { framesOf, keyOf } from './frames';
import type { Frame } from './frames';

type Event = SubscriptionEvent<'trajectory'>;
export type Progress = Pick<Event, 'done' | 'total' | 'eta_s' | 'seconds'> & {
  phase: Event['phase'] | 'cancelled';
};

/** Has the engine make a grid, and holds what has come of it. */
export class TrajectoryMaker {
  /** What the frames were made with. */
  made = $state.raw<{ run: string; plan: TrajectoryPlan }>();
  progress = $state.raw<Progress>();
  columns = $state.raw<number[]>([]);
  weightsSteps = $state.raw<number[]>([]);
  frames = $state.raw<ReadonlyMap<string, Frame>>(new Map());
  error = $state.raw<AppError>();
  private end: (() => void) | undefined;

  constructor(private readonly engine: Client) {}

  get working(): boolean {
    return this.progress?.phase === 'waiting' || this.progress?.phase === 'working';
  }

  begin(run: string, plan: TrajectoryPlan): void {
    this.end?.();
    this.made = { run, plan };
    this.progress = { phase: 'waiting', done: 0, total: 0, eta_s: null, seconds: 0 };
    this.clear();
    this.error = undefined;
    this.end = this.engine.subscribe(
      'trajectory',
      { run, ...plan },
      (event) => this.receive(event),
      {
        onReset: () => this.clear(),
        onError: (thrown) => {
          this.error = AppError.from(thrown);
          this.stop();
        },
      },
    );
  }

  /** Gives up what is not made yet; the frames that came stay. */
  cancel(): void {
    if (this.working) this.stop();
  }

  private stop(): void {
    this.end?.();
    this.end = undefined;
    if (this.progress) this.progress = { ...this.progress, phase: 'cancelled' };
  }

  private clear(): void {
    this.frames = new Map();
    this.columns = [];
    this.weightsSteps = [];
  }

  private receive(event: Event): void {
    const { phase, done, total, eta_s, seconds } = event;
    this.progress = { phase, done, total, eta_s, seconds };
    if (this.columns.length === 0) this.columns = event.columns;
    if (this.weightsSteps.length === 0) this.weightsSteps = event.weights_steps;
    if (event.frames.length > 0) {
      const frames = new Map(this.frames);
      for (const frame of framesOf(event)) frames.set(keyOf(frame.row, frame.column), frame);
      this.frames = frames;
    }
    if (phase !== 'done') return;
    this.end?.();
    this.end = undefined;
  }
}

const MAKERS = new WeakMap<Client, Map<string, TrajectoryMaker>>();

/** A cell's maker, which outlives its component: folding or moving a cell loses no picture. */
export function makerOf(engine: Client, key: string): TrajectoryMaker {
  const ours = MAKERS.get(engine) ?? new Map<string, TrajectoryMaker>();
  MAKERS.set(engine, ours);
  const maker = ours.get(key) ?? new TrajectoryMaker(engine);
  ours.set(key, maker);
  return maker;
}
