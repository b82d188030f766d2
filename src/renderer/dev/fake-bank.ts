import type { RunConfig } from '@shared/config/run-config';
import { churnOf, nmiOf, perplexityOf, purityOf, sharesOf } from '@shared/maths/clusters';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { SubscriptionEvent } from '@shared/protocol/contract';

type Snapshot = Omit<SubscriptionEvent<'prototypes'>, 'run' | 'restart'>;

const IMAGES = 384;
const DIM = 16;
const T = 1000;

/**
 * A made-up bank that moves as one does: images gather by class, prototypes follow them, two
 * stay twins, the last one hardly gets an image.
 */
export class FakeBank {
  readonly index = Int32Array.from({ length: IMAGES }, (_, i) => i * 26);
  readonly labels = Int32Array.from({ length: IMAGES }, (_, i) => i % 10);
  private readonly centres: Float32Array;
  private readonly scatter: Float32Array;
  private readonly k: number;
  private readonly every: number;
  private readonly kept: Snapshot[] = [];

  constructor(
    { model, training, seed }: RunConfig,
    private readonly colour: number,
  ) {
    this.k = model.k;
    this.every = Math.max(1, training.probe_every);
    this.centres = stream(seed, 'probe', colour).fillNormal(new Float32Array(10 * DIM));
    this.scatter = stream(seed, 'probe', 100 + colour).fillNormal(new Float32Array(IMAGES * DIM));
  }

  /** The snapshots of a run that stands at `step`. */
  snapshots(step: number): Snapshot[] {
    while (this.kept.length * this.every <= step) {
      this.kept.push(this.at(this.kept.length * this.every));
    }
    return this.kept;
  }

  private at(step: number): Snapshot {
    const { k } = this;
    // 0 at the start, towards 1.
    const settled = 1 - Math.exp(-step / 400);
    const turn = 0.6 * Math.exp(-step / 900) + 0.05 * Math.sin(step / 170);
    const centre = (label: number, d: number): number => {
      const [a, b] = [d & ~1, d | 1].map((at) => this.centres[label * DIM + at] ?? 0) as [
        number,
        number,
      ];
      const rotated = d % 2 ? a * Math.sin(turn) + b * Math.cos(turn) : a - b * Math.sin(turn);
      return 2.2 * settled * rotated;
    };
    const features = Float32Array.from({ length: IMAGES * DIM }, (_, at) => {
      const image = Math.floor(at / DIM);
      const label = this.labels[image] ?? 0;
      return centre(label, at % DIM) + (this.scatter[at] ?? 0) * (0.9 - 0.4 * settled);
    });
    const bank = Float32Array.from({ length: k * DIM }, (_, at) => {
      const prototype = Math.floor(at / DIM);
      const d = at % DIM;
      const own = this.centres[((prototype * 7 + this.colour + d) % 10) * DIM + d] ?? 0;
      if (prototype === k - 1) return own * 3 + 4;
      // The second follows the class of the first.
      const label = prototype === 1 ? 0 : prototype % 10;
      return 0.4 * own * (1 - settled) + centre(label, d) * (prototype === 1 ? 1.02 : 1);
    });
    const assignment = Int32Array.from({ length: IMAGES }, (_, i) => nearest(features, i, bank, k));
    const before = this.kept.at(-1);
    const usage = sharesOf(assignment, k);
    return {
      step,
      wall: Date.now() - 3_600_000 + step * 270,
      ids: ndarray(range(k), [k]),
      bank: ndarray(bank, [k, DIM]),
      features: ndarray(features, [IMAGES, DIM]),
      assignment: ndarray(assignment, [IMAGES]),
      usage: ndarray(step === 0 ? new Float32Array(k) : usage, [k]),
      assignments: Math.min(1000, step * 32),
      perplexity: step === 0 ? null : perplexityOf(usage),
      churn: before ? churnOf(before.assignment.data, assignment) : null,
      purity: purityOf(assignment, this.labels),
      nmi: nmiOf(assignment, this.labels),
      swaps:
        step % (2 * this.every) === 0
          ? Array.from({ length: 8 }, (_, i) => {
              const t = Math.floor(((i + 0.5) * T) / 8);
              return { t, change: settled * (0.04 + 0.3 * Math.exp(-(((t - 620) / 260) ** 2))) };
            })
          : [],
    };
  }

  exemplars(
    count: number,
    done: number,
    draw: (n: number) => NdArray<Uint8Array>,
  ): SubscriptionEvent<'exemplars'> {
    const total = 79;
    const ended = done >= total;
    const n = ended ? count : 0;
    const images = draw(this.k * n);
    return {
      phase: ended ? 'done' : 'working',
      done: Math.min(done, total),
      total,
      eta_s: ended ? 0 : (total - done) * 0.05,
      seconds: done * 0.05,
      step: 600,
      ids: ndarray(range(this.k), [this.k]),
      index: ndarray(
        Int32Array.from({ length: this.k * n }, (_, i) => i * 41),
        [this.k, n],
      ),
      distances: ndarray(
        Float32Array.from({ length: this.k * n }, (_, i) => 0.4 + 0.1 * (i % n)),
        [this.k, n],
      ),
      images,
    };
  }
}

const range = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);

function nearest(features: Float32Array, image: number, bank: Float32Array, k: number): number {
  let best = 0;
  let least = Infinity;
  for (let prototype = 0; prototype < k; prototype++) {
    let sum = 0;
    for (let d = 0; d < DIM; d++) {
      sum += ((features[image * DIM + d] ?? 0) - (bank[prototype * DIM + d] ?? 0)) ** 2;
    }
    if (sum < least) [best, least] = [prototype, sum];
  }
  return best;
}
