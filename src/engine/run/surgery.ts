import { bankAfter, perform, surgeryProblem } from '@shared/config/surgery';
import type { Act, Done } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { ActEntry } from '@shared/protocol/contract';
import { splitOf } from '../data/split';
import { geometryOf } from '../training/program';
import type { ProgramState } from '../training/program';
import { editedRows, packRows, ROLES, savedIds, unpackRows, withBank } from '../training/surgery';
import type { Looked, Row } from '../training/surgery';
import { Trainer } from '../training/trainer';
import { configWith } from './bank';
import { frozenRows, makeTraining } from './open';
import type { OpenRun } from './open';

/** What an act goes by beside the state. */
export interface Theatre {
  /** [K] shares of the last assignments. */
  usage: ArrayLike<number>;
  looked(): Looked;
  /** Unix ms. */
  wall: number;
}

/**
 * Whether an act can be done now, and what it makes of the bank. Nothing is changed.
 * @throws AppError bad_config, not_found, wrong_state
 */
export function examined({ config, dataset, first, past, bank }: OpenRun, act: Act): Done[] {
  const problem = surgeryProblem(config.model, act.kind);
  if (problem !== null) {
    throw new AppError('bad_config', problem, {
      remedy: 'Start a run of another model, or with another number of prototypes.',
    });
  }
  const next = perform(first, past, act);
  const { count } = splitOf(dataset.count, config.data.validation);
  const k = bankAfter(first, next).ids.length;
  if (k > bank.ids.length && k > count) {
    throw new AppError('wrong_state', `${k} prototypes cannot be learned from ${count} images.`);
  }
  return next;
}

/**
 * Does an act, the last of `past`, at a step edge: journaled first, then in force from the next step on. Where the bank
 * has another number of rows the program is made anew, for its shapes are fixed.
 *
 * @param journaled  its entry, where it is done again
 */
export function operate(
  open: OpenRun,
  past: readonly Done[],
  theatre: Theatre,
  journaled: ActEntry | null,
): ActEntry {
  const done = past.at(-1) as Done;
  const { act } = done;
  const { trainer, writer, bank, geometry } = open;
  const { executable, step } = trainer;
  const flats = Object.fromEntries(ROLES.map((role) => [role, executable.read(role).data])) as Row;
  const { dim } = geometry.spec;
  const rowOf = (id: number): Row => {
    const at = bank.ids.indexOf(id) * dim;
    return Object.fromEntries(ROLES.map((role) => [role, flats[role].slice(at, at + dim)])) as Row;
  };
  const rows = rowsAfter(open, done, rowOf, theatre);
  const state = Object.fromEntries(
    ROLES.map((role) => {
      const own = new Map([...rows].map(([id, row]) => [id, row[role]]));
      const flat = withBank(flats[role], bank.ids, done.after.ids, own, dim);
      return [role, ndarray(flat, [flat.length])];
    }),
  ) as Omit<ProgramState, 'running'>;

  const config = configWith(open.config, done.after);
  const same = done.after.ids.length === bank.ids.length && config === open.config;
  // What can fail comes before the journal: capturing, then the disk.
  const remade = same
    ? null
    : remake(open, config, { ...state, running: executable.read('running') });
  let entry: ActEntry;
  try {
    entry =
      journaled ??
      writer.appendAct(
        { applied_at_step: step, act, wall: theatre.wall },
        packRows(savedIds(done).map(rowOf)),
      );
  } catch (thrown) {
    remade?.trainer.executable.dispose();
    throw thrown;
  }
  if (remade !== null) {
    Object.assign(open, remade);
    executable.dispose();
  } else if (done.edits) {
    for (const role of ROLES) executable.write(role, state[role]);
  }
  open.trainer.frozen = frozenRows(done.after);
  Object.assign(open, { past, bank: done.after, acts: [...open.acts, entry] });
  return entry;
}

function rowsAfter(
  { writer, acts, past, bank, config, geometry }: OpenRun,
  { act, edits }: Done,
  rowOf: (id: number) => Row,
  { usage, looked }: Theatre,
): ReadonlyMap<number, Row> {
  if (!edits || act.kind === 'freeze' || act.kind === 'unfreeze') return new Map();
  if (act.kind === 'undo') {
    const [target, entry] = [past[act.act], acts[act.act]];
    if (target === undefined || entry === undefined) throw new Error('the act is not there');
    return unpackRows(writer.savedRows(entry.seq), savedIds(target), geometry.spec.dim);
  }
  const usageOf = (id: number): number => usage[bank.ids.indexOf(id)] ?? 0;
  return editedRows(act, {
    ...{ rowOf, usageOf, looked, bank, seed: config.seed },
    place: past.length,
  });
}

function remake(
  { dataset, backend, trainer }: OpenRun,
  config: OpenRun['config'],
  state: ProgramState,
): Pick<OpenRun, 'config' | 'geometry' | 'trainer'> {
  const geometry = geometryOf(config);
  const { knobs, step, parts } = trainer;
  const executable = makeTraining(config, geometry, state, dataset, backend, parts);
  return {
    ...{ config, geometry },
    trainer: new Trainer(config, geometry, dataset, executable, knobs, step, [], parts),
  };
}

/** Where an assignment to a row of the bank before an act stands after it; undefined where it is gone. */
export function regrouped({ act, before, after }: Done): (row: number) => number | undefined {
  // Shares of before say nothing of a prototype that is new, or elsewhere now: they are counted anew.
  if (act.kind === 'split' || act.kind === 'add' || act.kind === 'revive') return () => undefined;
  const merged = act.kind === 'merge' ? act : null;
  return (row) => {
    const id = before.ids[row] ?? -1;
    const at = after.ids.indexOf(id === merged?.prototype ? merged.into : id);
    return at < 0 ? undefined : at;
  };
}
