import { differencesOf } from '@shared/config/differences';
import type { JournalPlan } from '@shared/config/journal';
import type { RunConfig } from '@shared/config/run-config';
import { bankOf } from '@shared/config/surgery';
import type { Act, Bank } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { ndarray, sizeOf } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { ActEntry } from '@shared/protocol/contract';
import type { PrototypeLabel } from '@shared/protocol/contract-prototypes';
import type { Parent } from '@shared/protocol/contract-runs';
import type { LoadedCheckpoint, RunStore } from '../../store/port';
import { PREFIXES } from '../training/checkpoint';
import { initialParameters } from '../training/initial';
import { geometryOf } from '../training/program';
import type { Geometry } from '../training/program';
import { ACTS, bankIn } from './bank';
import { differing, knobsAt } from './planned';

/** What decides the names and shapes of the weights; everything else may change in a branch. */
const SHAPE_SETTINGS: readonly string[] = [
  'data.channels',
  'model.variant',
  'model.block_out_channels',
  'model.layers_per_block',
  'model.attention_levels',
  'model.k',
  'model.encoder_widths',
];

/** Parameters with a row for each prototype or class: more of those are drawn new. */
const GROWING: readonly string[] = ['prototype.prototypes', 'unet.class_embedding.weight'];

interface Child {
  parent: Parent;
  plan: JournalPlan;
  /** Its prototypes, where they are not 0 … K - 1. */
  bank?: Bank;
  first: LoadedCheckpoint;
  name: string;
  /** Names and colours of the prototypes that the parent had. */
  labels: PrototypeLabel[];
}

export interface BranchPoint {
  parent: Parent;
  /** The parent's, its knobs as they were in force at the step. */
  config: RunConfig;
}

/**
 * Where a branch at `step` starts: the nearest checkpoint at or before it.
 * @throws AppError not_found, naming the earliest checkpoint there is
 */
export function branchPoint(store: RunStore, run: string, step: number): BranchPoint {
  const record = store.read(run);
  const { checkpoints, journal, summary } = record;
  const found = checkpoints.filter((each) => each.step <= step).at(-1);
  if (found === undefined) {
    const first = checkpoints[0]?.step;
    throw new AppError(
      'not_found',
      `${summary.name} has no checkpoint at or before step ${step}${first === undefined ? '' : `; its first is of step ${first}`}.`,
      {
        remedy:
          first === undefined
            ? 'Start a new run with these settings.'
            : `Branch from step ${first} or later.`,
      },
    );
  }
  // The file tells which of the acts at its own step it has seen.
  const { config } =
    record.acts.length === 0
      ? record.origin
      : bankIn(record, store.loadCheckpoint(run, found.step));
  return {
    parent: { run, step: found.step, sha256: found.sha256 },
    config: { ...config, knobs: knobsAt(config.knobs, journal, found.step) },
  };
}

/**
 * What a child of `run` is made of.
 * @throws AppError not_found without a checkpoint at exactly `step`, bad_config naming the settings
 *   that a branch cannot change
 */
export function childOf(store: RunStore, run: string, step: number, config: RunConfig): Child {
  const { parent, config: before } = branchPoint(store, run, step);
  const record = store.read(run);
  const { summary, origin } = record;
  if (parent.step !== step) {
    throw new AppError('not_found', `${summary.name} has no checkpoint of step ${step}.`, {
      remedy: `Branch from step ${parent.step}.`,
    });
  }
  if (config.training.steps <= step) {
    throw new AppError(
      'bad_config',
      `A branch from step ${step} has nothing to train in ${config.training.steps} steps.`,
      { remedy: `Set training.steps above ${step}: it counts from the parent's first step.` },
    );
  }
  const loaded = store.loadCheckpoint(run, step);
  const { bank, acts } = bankIn(record, loaded);
  const grown = bankWith(bank, config);
  return {
    parent,
    plan: restOfPlan(origin.plan ?? [], step, before, config, record.acts.slice(0, acts)),
    ...(JSON.stringify(grown) !== JSON.stringify(bankOf(config.model.k)) && { bank: grown }),
    first: childCheckpoint(loaded, before, config),
    name: summary.name,
    // A number given after the branch point is another prototype's in the child.
    labels: store.prototypeLabels(run).filter(({ prototype }) => prototype < bank.next),
  };
}

/** The parent's prototypes, under their numbers, and those that the child has more. */
function bankWith({ ids, frozen, next }: Bank, { model }: RunConfig): Bank {
  const more = Array.from({ length: Math.max(0, model.k - ids.length) }, (_, i) => next + i);
  return { ids: [...ids, ...more], frozen, next: next + more.length };
}

/**
 * What of the parent's plan is still to come; a knob that the branch sets anew is the branch's.
 *
 * @param before  configuration at the branch point
 * @param after   of the child
 * @param done    acts on prototypes that the checkpoint has behind it; the child counts its own anew
 */
function restOfPlan(
  plan: JournalPlan,
  step: number,
  before: RunConfig,
  after: RunConfig,
  done: readonly ActEntry[],
): JournalPlan {
  const own = new Set(differing(before.knobs, after.knobs) as string[]);
  const made = [...done];
  return plan
    .filter(({ at_step }) => at_step >= step)
    .flatMap((each): JournalPlan => {
      const { at_step } = each;
      if ('act' in each) {
        const found = made.findIndex(
          (entry) =>
            entry.applied_at_step === at_step &&
            JSON.stringify(entry.act) === JSON.stringify(each.act),
        );
        if (found >= 0) made.splice(found, 1);
        const act = found < 0 ? renumbered(each.act, done.length) : null;
        return act === null ? [] : [{ at_step, act }];
      }
      const change = Object.fromEntries(
        Object.entries(each.change).filter(([knob]) => !own.has(knob)),
      );
      return Object.keys(change).length > 0 ? [{ at_step, change }] : [];
    });
}

/** An act of a run that has `gone` fewer before it; null for the undoing of one of those. */
function renumbered(act: Act, gone: number): Act | null {
  if (act.kind !== 'undo') return act;
  return act.act < gone ? null : { ...act, act: act.act - gone };
}

/**
 * The parent's checkpoint as the first of a child: the same weights, average, moments and
 * statistics. Rows of prototypes that the parent lacks are those that a fresh run of the child's
 * configuration would have, their moments zero.
 *
 * @throws AppError bad_config naming the settings that would change shapes
 */
export function childCheckpoint(
  loaded: LoadedCheckpoint,
  before: RunConfig,
  after: RunConfig,
): LoadedCheckpoint {
  const geometry = geometryOf(after);
  const grown = growth(geometryOf(before), geometry);
  if (grown === null) throw changedShapes(before, after);
  const fresh = initialParameters(geometry.specs, geometry.layout, after.seed);
  const tensors: Record<string, NdArray> = { ...loaded.tensors };
  for (const index of grown) {
    const name = geometry.layout.names[index] ?? '';
    const shape = geometry.layout.shapes[index] ?? [];
    const at = geometry.layout.sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    const drawn = fresh.subarray(at, at + sizeOf(shape));
    for (const [state, prefix] of Object.entries(PREFIXES)) {
      const had = loaded.tensors[prefix + name]?.data as Float32Array | undefined;
      const moments = state === 'm' || state === 'v';
      const rows = moments ? new Float32Array(drawn.length) : drawn.slice();
      // What is missing is told by name when the child reads its checkpoint.
      if (had !== undefined) rows.set(had);
      tensors[prefix + name] = ndarray(rows, shape);
    }
  }
  // Assignments of other images, or to another bank, say nothing of the child's.
  const { assignments, next_batch: _batch, [ACTS]: _acts, ...metadata } = loaded.metadata;
  const same =
    JSON.stringify([before.data, before.model]) === JSON.stringify([after.data, after.model]);
  return {
    step: loaded.step,
    tensors,
    metadata: same && assignments !== undefined ? { ...metadata, assignments } : metadata,
  };
}

/** Indices of the child's parameters that have more rows; null where names or shapes differ else. */
function growth({ layout: before }: Geometry, { layout: after }: Geometry): number[] | null {
  if (before.names.join() !== after.names.join()) return null;
  const grown: number[] = [];
  for (const [index, name] of after.names.entries()) {
    const [rows = 0, ...rest] = after.shapes[index] ?? [];
    const [had = 0, ...kept] = before.shapes[index] ?? [];
    if (rows === had && rest.join() === kept.join()) continue;
    if (!GROWING.includes(name) || rows < had || rest.join() !== kept.join()) return null;
    grown.push(index);
  }
  return grown;
}

function changedShapes(before: RunConfig, after: RunConfig): AppError {
  const named = differencesOf(before, after)
    .filter(({ path }) => SHAPE_SETTINGS.includes(path))
    .map(
      (each) => `${each.path} (${JSON.stringify(each.before)} to ${JSON.stringify(each.after)})`,
    );
  return new AppError(
    'bad_config',
    `A branch has the weights of its parent, whose shapes would change: ${named.join(', ')}.`,
    {
      remedy:
        'Leave these as they are, or start a new run. There may be more prototypes, not fewer.',
    },
  );
}
