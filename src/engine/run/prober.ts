import { FAMILY } from '@shared/config/family';
import { churnOf, nmiOf, perplexityOf, purityOf } from '@shared/maths/clusters';
import { ndarray } from '@shared/maths/ndarray';
import { deadPrototypes } from '@shared/prototype-alarms';
import type { Swap } from '@shared/protocol/contract-prototypes';
import type { ProbeSet, PrototypeSnapshot } from '../../store/port';
import { gatherBatch } from '../data/batch';
import { callProbe, probeBatch, probeEvery, probeSet } from '../training/probe';
import type { Looked } from '../training/surgery';
import { measureSwaps, swapImages } from '../training/swaps';
import type { Gauges } from './gauges';
import type { OpenRun } from './open';

/** What was looked at before: the probe images, and the newest snapshot as far as the next needs it. */
export interface Probed {
  step: number;
  /** [N] the prototype of each image. */
  assigned: Int32Array;
  set: ProbeSet;
}

/** The prototypes that a snapshot's images have, by their numbers. */
export function assignedIn({
  ids,
  assignment,
}: Pick<PrototypeSnapshot, 'ids' | 'assignment'>): Int32Array {
  return assignment.data.map((row) => ids.data[row] ?? -1);
}

interface Seen {
  /** [n, dim] */
  features: Float32Array<ArrayBuffer>;
  /** [n] rows of the bank */
  assignment: Int32Array<ArrayBuffer>;
  /** [k, dim] */
  bank: Float32Array<ArrayBuffer>;
}

/**
 * Takes the snapshots of the prototypes that a run keeps: every `probe_every` steps, at step 0 and
 * at the end. All of one is made between two steps, from the live weights, which it leaves as
 * they are.
 */
export class Prober {
  private before: Probed | null;

  constructor(
    private readonly open: OpenRun,
    private readonly gauges: Gauges,
    private readonly clock: () => number,
  ) {
    this.before = open.probed;
  }

  /** Whether a snapshot is to be taken at this step; `last`: the run is stopped after it. */
  due(step: number, last = step === this.open.config.training.steps): boolean {
    const every = probeEvery(this.open.config);
    return every > 0 && step !== this.before?.step && (step % every === 0 || last);
  }

  /** Takes and stores a snapshot. Returns what it adds to the step's row of metrics. */
  take(): Record<string, number> {
    const snapshot = this.store();
    const { churn, purity, nmi, usage, assignments } = snapshot;
    return {
      ...(churn !== null && { 'proto/churn': churn }),
      ...(purity !== null && { 'proto/purity': purity }),
      ...(nmi !== null && { 'proto/nmi': nmi }),
      'proto/dead': deadPrototypes({ usage, assignments }).length,
    };
  }

  /**
   * The bank was worked on: its snapshot of this step is as it is now. Churn is counted from the
   * regular snapshots alone, so that it is the same where a run is taken up between two of them.
   */
  retake(): void {
    const { step } = this.open.trainer;
    const every = probeEvery(this.open.config);
    if (every === 0) return;
    const { before } = this;
    this.store();
    if (step % every !== 0) this.before = before;
  }

  /** The probe images as the encoder sees them now. */
  looked(): Looked {
    const { config, bank, set } = { ...this.open, set: this.set() };
    const { features, assignment } = this.see(set);
    return {
      features,
      assignment: Array.from(assignment, (row) => bank.ids[row] ?? -1),
      classes: FAMILY[config.model.variant].labels ? set.labels : null,
    };
  }

  private set(): ProbeSet {
    const { config, geometry, dataset } = this.open;
    return this.before?.set ?? probeSet(config, geometry.spec, dataset);
  }

  private store(): PrototypeSnapshot {
    const { config, writer } = this.open;
    const set = this.set();
    if (this.before === null) writer.writeProbe(set);
    const snapshot = this.look(set);
    writer.writePrototypes(snapshot, config.training.probe_every);
    this.before = { step: snapshot.step, assigned: assignedIn(snapshot), set };
    return snapshot;
  }

  /**
   * Measures how much the prototypes matter, with the weights of the program's snapshot, and adds
   * that to the snapshot of the prototypes taken at `step`. One network call at each `next()`.
   */
  *measure(step: number): Generator<void, Swap[], void> {
    const { config, geometry, trainer, writer, dataset } = this.open;
    const { schedule, executable } = trainer;
    const { index } = this.set();
    const batch = config.sampling.count;
    const images = gatherBatch(dataset, index.slice(0, swapImages(geometry.spec.k, batch)));
    const network = { config, geometry, schedule, executable };
    const swaps = yield* measureSwaps(network, images, batch);
    writer.writeSwaps(step, swaps);
    return swaps;
  }

  private see(set: ProbeSet): Seen {
    const { config, geometry, trainer, dataset } = this.open;
    const { dim } = geometry.spec;
    const n = set.index.length;
    const batch = probeBatch(config, dataset.count);
    const features = new Float32Array(n * dim);
    const assignment = new Int32Array(n);
    let bank = new Float32Array(0);
    for (let from = 0; from < n; from += batch) {
      const outputs = callProbe(trainer.executable, dataset, set.index.slice(from, from + batch));
      features.set(outputs.features?.data ?? [], from * dim);
      assignment.set(outputs.index?.data ?? [], from);
      bank = outputs.bank?.data as Float32Array<ArrayBuffer>;
    }
    return { features, assignment, bank };
  }

  private look(set: ProbeSet): PrototypeSnapshot {
    const { geometry, trainer } = this.open;
    const { k, dim } = geometry.spec;
    const { features, assignment, bank } = this.see(set);
    const n = assignment.length;
    const ids = Int32Array.from(this.open.bank.ids);
    const assigned = assignment.map((row) => ids[row] ?? -1);
    const { usage, assignments } = this.gauges;
    return {
      step: trainer.step,
      wall: this.clock(),
      ids: ndarray(ids, [k]),
      bank: ndarray(bank, [k, dim]),
      features: ndarray(features, [n, dim]),
      assignment: ndarray(assignment, [n]),
      usage: ndarray(usage, [k]),
      assignments,
      perplexity: assignments === 0 ? null : perplexityOf(usage),
      churn: this.before && churnOf(this.before.assigned, assigned),
      purity: set.labels && purityOf(assignment, set.labels),
      nmi: set.labels && nmiOf(assignment, set.labels),
      swaps: [],
    };
  }
}
