import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import type { Service, Source } from '@shared/protocol/service';
import { FakeService } from '../src/renderer/dev/fake-service';

type Curves = SubscriptionEvent<'curves'>;

export const SERIES = [
  'train/loss',
  'train/loss_diff',
  'train/loss_proto/contrastive',
  'train/loss_proto/align',
  'train/loss_proto/compact',
  'train/lr',
  'train/grad_norm',
  'train/images_per_s',
  'proto/perplexity',
  'proto/churn',
];
/** Rows of an event, as the engine sends them; see engine/sources.ts. */
const ROWS_AT_ONCE = 20_000;

/** Falling, noisy series with a spike of one step in each. */
function events(run: string, steps: number): Curves[] {
  const rng = stream(1, 'noise', 0);
  const made: Curves[] = [];
  const width = SERIES.length;
  for (let from = 0; from < steps; from += ROWS_AT_ONCE) {
    const n = Math.min(ROWS_AT_ONCE, steps - from);
    const values = new Float64Array(n * width);
    for (let i = 0; i < n; i++) {
      const fall = 0.02 + Math.exp(-(from + i) / (0.1 * steps));
      for (let k = 0; k < width; k++) {
        const spike = from + i === Math.floor(((k + 1) / (width + 2)) * steps) ? 50 : 1;
        values[i * width + k] = fall * (1 + k) * (0.7 + 0.6 * rng.uniform()) * spike;
      }
    }
    const column = (scale: number, base = 0): Curves['step'] =>
      ndarray(
        Float64Array.from({ length: n }, (_, i) => base + (from + i + 1) * scale),
        [n],
      );
    made.push({
      run,
      restart: from === 0,
      keys: SERIES,
      step: column(1),
      wall: column(200, 1.7e12),
      active: column(0.2),
      values: ndarray(values, [n, width]),
    });
  }
  return made;
}

/** An engine with one paused run of so many steps; everything but its curves is the fake one's. */
export function synthetic(steps: number): Service {
  const fake = new FakeService();
  const run = fake.seed(1200);
  run.state = 'paused';
  const history = events(run.id, steps);
  return {
    request: (name, input) => fake.request(name, input),
    subscribe(name, input, changed) {
      if (name !== 'curves') return fake.subscribe(name, input, changed);
      let next = 0;
      const source: Source<Curves> = {
        pull() {
          const event = history[next];
          next += 1;
          if (next < history.length) changed();
          return event;
        },
        close: () => undefined,
      };
      return source as ReturnType<Service['subscribe']>;
    },
  } as Service;
}
