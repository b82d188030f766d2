import { z } from 'zod';
import { AppError } from '../errors';
import { FAMILY } from './family';
import type { ModelConfig } from './run-config';

/** A prototype's number: its own for life, whatever row of the bank it has at a step. */
const prototype = z.number().int().nonnegative();

/** What may be done to a bank while it trains; each acts at the edge between two steps. */
export const ActSchema = z.discriminatedUnion('kind', [
  /** Two of one: it and a new one, apart along the main direction of its images' features. */
  z.strictObject({ kind: z.literal('split'), prototype }),
  /** `into` becomes the mean of both, weighted by their use; `prototype` goes. */
  z.strictObject({ kind: z.literal('merge'), prototype, into: prototype }),
  /** Moves it to the feature of an image that is far from every prototype. */
  z.strictObject({ kind: z.literal('revive'), prototype }),
  z.strictObject({ kind: z.literal('freeze'), prototype }),
  z.strictObject({ kind: z.literal('unfreeze'), prototype }),
  /** A new one, placed as `revive` would. */
  z.strictObject({ kind: z.literal('add') }),
  z.strictObject({ kind: z.literal('remove'), prototype }),
  /** `act`: its place among the run's acts, from 0. */
  z.strictObject({ kind: z.literal('undo'), act: z.number().int().nonnegative() }),
]);
export type Act = z.infer<typeof ActSchema>;
export type ActKind = Act['kind'];

export const MOST_PROTOTYPES = 4096;

/** Which prototypes there are. */
export interface Bank {
  /** [K] ascending: the numbers of the bank's rows. */
  ids: number[];
  /** Those that training leaves as they are, ascending. */
  frozen: number[];
  /** The number that the next new one has; never given twice. */
  next: number;
}

export const BankSchema = z
  .object({
    ids: z.array(prototype).min(1).max(MOST_PROTOTYPES),
    frozen: z.array(prototype),
    next: prototype,
  })
  .refine(
    ({ ids, frozen, next }) =>
      ids.every((id, row) => id < next && id > (ids[row - 1] ?? -1)) &&
      frozen.every((id) => ids.includes(id)),
    'the numbers of the prototypes contradict each other',
  );

/** The bank that a run of K prototypes begins with. */
export function bankOf(k: number): Bank {
  return { ids: Array.from({ length: k }, (_, id) => id), frozen: [], next: k };
}

/** An act that was done. */
export interface Done {
  act: Act;
  before: Bank;
  after: Bank;
  /** Prototypes that it changed, made or took, ascending. */
  touched: readonly number[];
  /** Changes rows, and not only which of them train. */
  edits: boolean;
  undone: boolean;
}

/** The acts of a run in their order, from the bank it began with. @throws AppError as `perform` */
export function history(start: Bank, acts: readonly Act[]): Done[] {
  let past: readonly Done[] = [];
  for (const act of acts) past = perform(start, past, act);
  return [...past];
}

export function bankAfter(start: Bank, past: readonly Done[]): Bank {
  return past.at(-1)?.after ?? start;
}

/**
 * `past` with one more act at its end.
 * @throws AppError not_found for a prototype or act that is not there, wrong_state where the bank does
 *   not allow it now
 */
export function perform(start: Bank, past: readonly Done[], act: Act): Done[] {
  const before = bankAfter(start, past);
  if (act.kind === 'undo') return undo(before, past, act);
  const { after, touched } = outcome(before, act);
  const edits = act.kind !== 'freeze' && act.kind !== 'unfreeze';
  return [...past, { act, before, after, touched, edits, undone: false }];
}

function outcome(
  bank: Bank,
  act: Exclude<Act, { kind: 'undo' }>,
): { after: Bank; touched: number[] } {
  if (act.kind === 'add') return { after: grown(bank), touched: [bank.next] };
  needKnown(bank, act.prototype);
  const id = act.prototype;
  switch (act.kind) {
    case 'split':
      needTraining(bank, id);
      return { after: grown(bank), touched: [id, bank.next] };
    case 'merge':
      needKnown(bank, act.into);
      needTraining(bank, act.into);
      if (act.into === id) {
        throw new AppError('bad_config', `Prototype ${id} cannot be merged into itself.`, {
          remedy: 'Choose another one.',
        });
      }
      return { after: without(bank, id), touched: ascending([id, act.into]) };
    case 'revive':
      needTraining(bank, id);
      return { after: bank, touched: [id] };
    case 'freeze':
      if (bank.frozen.includes(id)) {
        throw new AppError('wrong_state', `Prototype ${id} is frozen already.`);
      }
      return { after: { ...bank, frozen: ascending([...bank.frozen, id]) }, touched: [id] };
    case 'unfreeze':
      if (!bank.frozen.includes(id)) {
        throw new AppError('wrong_state', `Prototype ${id} is not frozen.`);
      }
      return {
        after: { ...bank, frozen: bank.frozen.filter((other) => other !== id) },
        touched: [id],
      };
    case 'remove':
      if (bank.ids.length === 1) {
        throw new AppError('wrong_state', 'The last prototype cannot be removed.', {
          remedy: 'Add another one first.',
        });
      }
      return { after: without(bank, id), touched: [id] };
  }
}

function grown(bank: Bank): Bank {
  if (bank.ids.length >= MOST_PROTOTYPES) {
    throw new AppError('wrong_state', `A bank has ${MOST_PROTOTYPES} prototypes at most.`);
  }
  return { ...bank, ids: [...bank.ids, bank.next], next: bank.next + 1 };
}

function without(bank: Bank, id: number): Bank {
  const others = (ids: readonly number[]): number[] => ids.filter((other) => other !== id);
  return { ...bank, ids: others(bank.ids), frozen: others(bank.frozen) };
}

/** What an act touched is as it was before, and the rest as it is now. */
function undo(now: Bank, past: readonly Done[], act: Extract<Act, { kind: 'undo' }>): Done[] {
  const target = past[act.act];
  const problem = undoProblem(past, act.act);
  if (target === undefined || problem !== null) {
    throw new AppError(target === undefined ? 'not_found' : 'wrong_state', problem ?? '');
  }
  const { before, touched, edits } = target;
  const mixed = (then: readonly number[], here: readonly number[]): number[] =>
    ascending([
      ...here.filter((id) => !touched.includes(id)),
      ...then.filter((id) => touched.includes(id)),
    ]);
  const after = {
    ids: mixed(before.ids, now.ids),
    frozen: mixed(before.frozen, now.frozen),
    next: now.next,
  };
  if (after.ids.length === 0) {
    throw new AppError('wrong_state', 'The last prototype cannot be taken back.');
  }
  // What undid something is undone: that something holds again.
  const restored = target.act.kind === 'undo' ? target.act.act : -1;
  return [
    ...past.map((each, place) => ({
      ...each,
      undone: place === act.act || (each.undone && place !== restored),
    })),
    { act, before: now, after, touched, edits, undone: false },
  ];
}

/** Why the act at `place` cannot be undone now, in a sentence; null where it can. */
export function undoProblem(past: readonly Done[], place: number): string | null {
  const target = past[place];
  if (target === undefined) return 'There is no such act.';
  if (target.undone) return 'It is undone already.';
  const later = past.findIndex(
    ({ act, touched, undone }, at) =>
      at > place &&
      !undone &&
      !(act.kind === 'undo' && act.act > place) &&
      touched.some((id) => target.touched.includes(id)),
  );
  return later < 0 ? null : 'A later act changed the same prototypes: undo that one first.';
}

/** How an act would be undone. */
export function undoWay({ edits }: Pick<Done, 'edits'>): 'reverse' | 'rows' {
  return edits ? 'rows' : 'reverse';
}

function needKnown({ ids }: Bank, id: number): void {
  if (ids.includes(id)) return;
  throw new AppError('not_found', `There is no prototype ${id} now: the run has ${listed(ids)}.`, {
    remedy: 'Choose one of these.',
  });
}

function needTraining({ frozen }: Bank, id: number): void {
  if (!frozen.includes(id)) return;
  throw new AppError('wrong_state', `Prototype ${id} is frozen: its row stays as it is.`, {
    remedy: 'Unfreeze it first.',
  });
}

/** "0 to 9", or "0, 1, 4" where there are gaps. */
export function listed(ids: readonly number[]): string {
  const [first = 0] = ids;
  const last = ids.at(-1) ?? 0;
  if (last - first === ids.length - 1) return `${first} to ${last}`;
  return ids.length > 12 ? `${ids.length} between ${first} and ${last}` : ids.join(', ');
}

function ascending(ids: readonly number[]): number[] {
  return [...ids].sort((a, b) => a - b);
}

/** Acts that change how many prototypes there are. */
const RESHAPING: readonly ActKind[] = ['split', 'merge', 'add', 'remove'];

/** Why a model's bank cannot be worked on so, in a sentence; null where it can. */
export function surgeryProblem(
  { variant }: Pick<ModelConfig, 'variant'>,
  kind: ActKind,
): string | null {
  const { title, bank, labels } = FAMILY[variant];
  if (!bank) return `${title} has no prototypes.`;
  return labels && RESHAPING.includes(kind)
    ? `${title} has one prototype a class: their number stays.`
    : null;
}
