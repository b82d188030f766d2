import type {
  MetricKey,
  RunSummary,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import type { Service } from '@shared/protocol/service';
import type { Progress } from './progress';

const DIFFUSION_LOSS: MetricKey = 'train/loss_diff';
const VALIDATION_LOSS: MetricKey = 'val/loss';

/** What a run's curves say, by step: a step trained again after a recovery replaces the first. */
export class History {
  readonly losses = new Map<number, number>();
  /** Seconds of training until the end of a step. */
  readonly active = new Map<number, number>();
  /** The last validation loss; null without any. */
  validation: number | null = null;

  add({ keys, step, active, values }: SubscriptionEvent<'curves'>): void {
    const column = keys.indexOf(DIFFUSION_LOSS);
    const validated = keys.indexOf(VALIDATION_LOSS);
    step.data.forEach((at, row) => {
      this.active.set(at, active.data[row] ?? NaN);
      const loss = column < 0 ? NaN : (values.data[row * keys.length + column] ?? NaN);
      if (!Number.isNaN(loss)) this.losses.set(at, loss);
      const held = validated < 0 ? NaN : (values.data[row * keys.length + validated] ?? NaN);
      if (!Number.isNaN(held)) this.validation = held;
    });
  }

  /** Mean diffusion loss of the first or last n steps; null without any. */
  mean(which: 'first' | 'last', n: number): number | null {
    const steps = [...this.losses.keys()].sort((a, b) => a - b);
    const chosen = which === 'first' ? steps.slice(0, n) : steps.slice(-n);
    if (chosen.length === 0) return null;
    return chosen.reduce((sum, step) => sum + (this.losses.get(step) ?? 0), 0) / chosen.length;
  }

  /** Images a second over the steps after `from`, pauses left out; null with fewer than two. */
  speed(from: number, batch: number): number | null {
    const steps = [...this.active.keys()].filter((step) => step > from).sort((a, b) => a - b);
    const first = steps[0];
    const last = steps[steps.length - 1];
    if (first === undefined || last === undefined || first === last) return null;
    const seconds = (this.active.get(last) ?? NaN) - (this.active.get(first) ?? NaN);
    return seconds > 0 ? ((last - first) * batch) / seconds : null;
  }
}

/**
 * Watches a run until it is no longer training.
 * @returns the run as it ended, and its whole history
 */
export async function follow(
  service: Service,
  run: string,
  onProgress: (progress: Progress) => void,
): Promise<{ summary: RunSummary; history: History }> {
  const history = new History();
  const closing: (() => void)[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const watch = <N extends SubscriptionName>(
        name: N,
        input: SubscriptionInput<N>,
        take: (event: SubscriptionEvent<N>) => void,
      ): void => {
        let queued = false;
        const changed = (): void => {
          if (queued) return;
          queued = true;
          setImmediate(pull);
        };
        const source = service.subscribe(name, input, changed);
        const pull = (): void => {
          queued = false;
          try {
            const event = source.pull();
            if (event !== undefined) take(event);
          } catch (thrown) {
            reject(thrown);
          }
        };
        closing.push(() => source.close());
        changed();
      };
      watch('curves', { run }, (event) => history.add(event));
      watch('status', {}, ({ active }) => {
        if (active?.run !== run) return;
        const { step, steps, loss, images_per_s: imagesPerS, eta_s: etaS } = active;
        onProgress({ step, steps, loss, imagesPerS, etaS });
      });
      watch('runs', {}, ({ runs }) => {
        const summary = runs.find((one) => one.run === run);
        if (summary === undefined || LIVE.includes(summary.state)) return;
        // The last rows may have been written since the curves were last pulled.
        setImmediate(() => resolve({ summary, history }));
      });
    });
  } finally {
    for (const close of closing) close();
  }
}

const LIVE: readonly RunSummary['state'][] = ['queued', 'running', 'paused'];
