import { FAMILY } from '@shared/config/family';
import type { JournalPlan } from '@shared/config/journal';
import type { Knobs } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { bankOf } from '@shared/config/surgery';
import type { Bank, Done } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { ActEntry } from '@shared/protocol/contract';
import { checkpointSha256, SKIPPED } from '../../store/checkpoints';
import { isExact } from '../../store/port';
import type { Halving, LoadedCheckpoint, RunRecord, RunStore, RunWriter } from '../../store/port';
import type { LoadedBackend } from '../backend';
import { capture } from '../backend/capture';
import { eager } from '../backend/executable';
import type { Executable, Program } from '../backend/executable';
import { tellingMemory, tellMemory } from '../backend/out-of-memory';
import type { Dataset } from '../data/dataset';
import { splitOf } from '../data/split';
import { checkpointTensors, stateFromCheckpoint } from '../training/checkpoint';
import { initialParameters, initialRunning } from '../training/initial';
import { probeBatch, probeEvery } from '../training/probe';
import { geometryOf, trainingProgram } from '../training/program';
import type { Geometry, ProgramState } from '../training/program';
import { Trainer } from '../training/trainer';
import { actsDone, bankIn, firstBank } from './bank';
import { recalled } from './gauges';
import { assignedIn } from './prober';
import { MicroBatches, partsAt } from './micro-batches';
import type { Probed } from './prober';
import { knobsAt, Planned } from './planned';

/** A run ready to step. */
export interface OpenRun {
  config: RunConfig;
  geometry: Geometry;
  trainer: Trainer;
  writer: RunWriter;
  dataset: Dataset;
  /** Seconds of training before this opening. */
  active: number;
  /** The checkpoint that it goes on from; wall in Unix ms. */
  saved: { step: number; wall: number } | null;
  /** The assignments before this opening, the last 1,000 at most. */
  recent: number[];
  /** The newest snapshot of the prototypes, and the images it is of. */
  probed: Probed | null;
  planned: Planned;
  /** The prototypes that the run began with. */
  first: Bank;
  /** The acts that the state has behind it, and their entries in the journal. */
  past: readonly Done[];
  acts: readonly ActEntry[];
  /** The prototypes there are: config and geometry are those of as many. */
  bank: Bank;
  backend: LoadedBackend;
  micro: MicroBatches;
  /** Names the first tensor of a failed step that is not finite, where that can be found. */
  diagnose?: () => string | null;
}

/**
 * Captured where the native backend is there, else op by op; PROTODIFF_EAGER=1 forces the latter.
 * @throws AppError bad_config when bf16 is asked of what runs op by op
 */
export function makeExecutable(program: Program, backend: LoadedBackend): Executable {
  return tellingMemory(tellMemory(() => make(program, backend)));
}

function make(program: Program, backend: LoadedBackend): Executable {
  if (backend.native && process.env.PROTODIFF_EAGER !== '1') {
    return capture(program, backend.native);
  }
  if (Object.values(program.functions).some(({ precision }) => precision === 'bf16')) {
    const where = backend.native ? 'op by op (PROTODIFF_EAGER)' : `on ${backend.info.name}`;
    throw new AppError('bad_config', `A model in bf16 cannot be trained ${where}.`, {
      remedy: 'Choose f32, or run where native TensorFlow is: npm run setup:tensorflow.',
    });
  }
  return eager(program);
}

/** @throws AppError bad_config when model and data do not go together */
export function checkDataFits(config: RunConfig, dataset: Dataset): void {
  const { title, bank, labels } = FAMILY[config.model.variant];
  const { count } = splitOf(dataset.count, config.data.validation);
  if (bank && count < config.model.k) {
    throw new AppError(
      'bad_config',
      `${config.model.k} prototypes cannot be learned from ${count} images.`,
      { remedy: `Set K to ${count} at most, or choose more images.` },
    );
  }
  if (labels) {
    if (dataset.labels === null) {
      throw new AppError('bad_config', `${title} goes by labels, and ${dataset.name} has none.`, {
        remedy: 'Sort the images into one subfolder a class, or choose PDM or DDPM.',
      });
    }
    if (config.model.k !== dataset.classes.length) {
      throw new AppError(
        'bad_config',
        `${title} needs K = ${dataset.classes.length}, the number of classes in ${dataset.name}; it is ${config.model.k}.`,
        { remedy: `Set K to ${dataset.classes.length}.` },
      );
    }
  }
}

export function openFresh(
  config: RunConfig,
  dataset: Dataset,
  backend: LoadedBackend,
  writer: RunWriter,
  plan: JournalPlan = [],
  halvings: readonly Halving[] = [],
): OpenRun {
  const geometry = geometryOf(config);
  const { total } = geometry.layout;
  const params = initialParameters(geometry.specs, geometry.layout, config.seed);
  const zeros = (): ProgramState['m'] => ndarray(new Float32Array(total), [total]);
  const running = initialRunning(geometry.spec);
  const state: ProgramState = {
    params: ndarray(params, [total]),
    ema: ndarray(params.slice(), [total]),
    m: zeros(),
    v: zeros(),
    running: ndarray(running, [running.length]),
  };
  const parts = partsAt(halvings, 0);
  const executable = makeTraining(config, geometry, state, dataset, backend, parts);
  const knobs = { ...config.knobs };
  const trainer = new Trainer(config, geometry, dataset, executable, knobs, 0, [], parts);
  const first = bankOf(config.model.k);
  return {
    ...{
      config,
      geometry,
      trainer,
      writer,
      dataset,
      backend,
      micro: new MicroBatches(halvings, makeTraining),
    },
    ...{ active: 0, saved: null, recent: [], probed: null, planned: new Planned(plan, 0, []) },
    ...{ first, bank: first, past: [], acts: [] },
  };
}

/**
 * Opens a run where its newest whole checkpoint left it. What was recorded after that stays, and is
 * done again step by step, its knob changes included.
 */
export function openContinued(
  run: string,
  store: RunStore,
  dataset: Dataset,
  backend: LoadedBackend,
  writer: RunWriter,
): OpenRun {
  const left = store.read(run);
  const { config: asked, plan = [] } = left.origin;
  if (left.checkpoints.length === 0) {
    const kept = goBack(left, writer, 0, 0);
    const opened = openFresh(asked, dataset, backend, writer, plan, left.halvings);
    opened.trainer.knobs = kept.knobs;
    return { ...opened, active: activeSeconds(store, run, 0), planned: kept.planned };
  }
  const loaded = store.loadCheckpoint(run);
  const { config, bank, acts } = bankIn(left, loaded);
  const geometry = geometryOf(config);
  const state = stateFromCheckpoint(loaded.tensors, geometry);
  const { step } = loaded;
  const { knobs, planned } = goBack(left, writer, step, acts);
  const parts = partsAt(left.halvings, step);
  const executable = makeTraining(config, geometry, state, dataset, backend, parts);
  const frozen = frozenRows(bank);
  const trainer = new Trainer(config, geometry, dataset, executable, knobs, step, frozen, parts);
  const active = Number(loaded.metadata.active_seconds ?? 0);
  const row = left.checkpoints.find((each) => each.step === step);
  certify(left, loaded, writer, trainer, checkpointTensors(trainer.executable, geometry, step));
  return {
    ...{ config, geometry, trainer, writer, dataset, backend },
    micro: new MicroBatches(left.halvings, makeTraining),
    active: activeSeconds(store, run, active),
    saved: row === undefined ? null : { step, wall: row.wall },
    recent: recalled(loaded.metadata.assignments),
    probed: probedOf(store, config, run, loaded.step),
    ...{ planned, bank },
    first: firstBank(left.origin),
    past: actsDone(left, acts),
    acts: left.acts.slice(0, acts),
  };
}

/** Records that the run begins from exactly what its checkpoint had, or tells that it does not. */
function certify(
  { checkpoints }: RunRecord,
  { step, metadata }: LoadedCheckpoint,
  writer: RunWriter,
  trainer: Trainer,
  tensors: Record<string, NdArray>,
): void {
  const row = checkpoints.find((each) => each.step === step);
  if (row === undefined) return;
  const { [SKIPPED]: _told, ...written } = metadata;
  const resume = {
    ...{ wall: Date.now(), step, file: row.file },
    ...{ saved: row.sha256, began: checkpointSha256(tensors, written) },
    saved_next: metadata.next_batch ?? null,
    began_next: trainer.nextBatchSha256(),
  };
  writer.appendResume(resume);
  if (isExact(resume)) return;
  const message = `The run goes on from step ${step} with other values than its checkpoint has.`;
  writer.appendEvent({ wall: Date.now(), step, kind: 'note', message });
}

/** Where the frozen ones stand in the bank. */
export function frozenRows({ ids, frozen }: Bank): number[] {
  return frozen.map((id) => ids.indexOf(id));
}

/** The training program, each batch in `parts` pieces. */
export function makeTraining(
  config: RunConfig,
  geometry: Geometry,
  state: ProgramState,
  dataset: Dataset,
  backend: LoadedBackend,
  parts: number,
): Executable {
  // Also where no snapshots are taken: an act on a prototype looks at the images' features.
  const images = FAMILY[config.model.variant].bank ? probeBatch(config, dataset.count) : 0;
  return makeExecutable(trainingProgram(config, geometry, state, images, parts), backend);
}

/** As it was at a checkpoint, or at the last recorded step: the clock does not run backwards. */
function activeSeconds(store: RunStore, run: string, checkpoint: number): number {
  const { next } = store.metrics(run, Infinity, 0);
  const recorded = store.metrics(run, next - 1, 1).active[0] ?? 0;
  return Math.max(Number.isFinite(checkpoint) ? checkpoint : 0, recorded);
}

/** Of the regular snapshots: one that a stop left counts no churn where the run goes on. */
function probedOf(store: RunStore, config: RunConfig, run: string, step: number): Probed | null {
  const every = probeEvery(config);
  const newest = store
    .prototypeSteps(run)
    .filter((each) => each.step <= step && each.step % every === 0)
    .at(-1);
  const set = store.probe(run);
  if (newest === undefined || set === null) return null;
  return { step: newest.step, assigned: assignedIn(store.loadPrototypes(run, newest.step)), set };
}

/** Knobs and changes to come where the run goes on from `step`, doing again what came after it. */
function goBack(
  { origin: { config, plan = [] }, journal, acts }: RunRecord,
  writer: RunWriter,
  step: number,
  seen: number,
): { knobs: Knobs; planned: Planned } {
  writer.redoFrom(step);
  return {
    knobs: knobsAt(config.knobs, journal, step),
    planned: new Planned(plan, step, journal, { entries: acts, seen }),
  };
}
