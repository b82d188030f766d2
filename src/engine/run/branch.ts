import { differencesOf } from '@shared/config/differences';
import type { JournalPlan } from '@shared/config/journal';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import { ndarray, sizeOf } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { Parent } from '@shared/protocol/contract-runs';
import type { LoadedCheckpoint, RunStore } from '../../store/port';
import { PREFIXES } from '../training/checkpoint';
import { initialParameters } from '../training/initial';
import { geometryOf } from '../training/program';
import type { Geometry } from '../training/program';
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
  const { origin, checkpoints, journal, summary } = store.read(run);
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
  const { config } = origin;
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
export function childOf(
  store: RunStore,
  run: string,
  step: number,
  config: RunConfig,
): { parent: Parent; plan: JournalPlan; first: LoadedCheckpoint; name: string } {
  const { parent, config: before } = branchPoint(store, run, step);
  const { summary, origin } = store.read(run);
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
  return {
    parent,
    plan: restOfPlan(origin.plan ?? [], step, before, config),
    first: childCheckpoint(store.loadCheckpoint(run, step), before, config),
    name: summary.name,
  };
}

/**
 * What of the parent's plan is still to come; a knob that the branch sets anew is the branch's.
 *
 * @param before  configuration at the branch point
 * @param after   of the child
 */
function restOfPlan(
  plan: JournalPlan,
  step: number,
  before: RunConfig,
  after: RunConfig,
): JournalPlan {
  const own = new Set(differing(before.knobs, after.knobs) as string[]);
  return plan
    .filter(({ at_step }) => at_step >= step)
    .map(({ at_step, change }) => ({
      at_step,
      change: Object.fromEntries(Object.entries(change).filter(([knob]) => !own.has(knob))),
    }))
    .filter(({ change }) => Object.keys(change).length > 0);
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
  const { assignments, next_batch: _batch, ...metadata } = loaded.metadata;
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
