import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIND_NAMES } from './cell-kinds';
import {
  addCell,
  duplicateCell,
  foldCell,
  moveCell,
  pasteCells,
  rangeOf,
  referTo,
  removeCells,
} from './document';
import { History } from './document-history';
import { candidatesOf, causesOf, configAround, dependantsOf, trainOf } from './document-links';
import { notebookFor, NotebookSchema, parseNotebook, printNotebook, runConfigOf } from './notebook';
import type { Notebook } from './notebook';
import { configFor } from './presets';
import { RunConfigSchema } from './run-config';
import { TEMPLATES } from './templates';

const config = configFor('quick', { kind: 'digits' });
// A notebook of fixed kinds, whatever else a new one may begin with.
const KINDS = ['note', 'data', 'model', 'train', 'curves', 'trajectories', 'samples'];
const whole = notebookFor(config, '# Digits');
const digits = { ...whole, cells: whole.cells.filter(({ kind }) => KINDS.includes(kind)) };
const empty: Notebook = { protodiff_notebook: 1, cells: [] };
const ids = ({ cells }: Notebook): string[] => cells.map(({ id }) => id);

/** Any one change, its cells picked by number. A refused move leaves the notebook as it was. */
type Act = (notebook: Notebook) => Notebook;
const pick = (notebook: Notebook, n: number): string =>
  notebook.cells[n % Math.max(1, notebook.cells.length)]?.id ?? '';
const acts: fc.Arbitrary<Act> = fc
  .tuple(
    fc.constantFrom('add', 'remove', 'move', 'copy', 'paste', 'refer', 'fold'),
    fc.nat(40),
    fc.nat(40),
  )
  .map(([what, n, m]) => (notebook: Notebook): Notebook => {
    const id = pick(notebook, n);
    if (what === 'add') {
      return addCell(notebook, KIND_NAMES[n % KIND_NAMES.length] ?? 'note', m % 12).notebook;
    }
    if (id === '') return notebook;
    if (what === 'remove') return removeCells(notebook, [id]).notebook;
    if (what === 'copy') return duplicateCell(notebook, id).notebook;
    if (what === 'fold') return foldCell(notebook, id, m % 2 === 0);
    if (what === 'paste') {
      const taken = digits.cells.slice(n % 7, (n % 7) + 1 + (m % 4));
      return pasteCells(notebook, taken, m % 12).notebook;
    }
    if (what === 'refer') {
      const cell = notebook.cells.find((each) => each.id === id);
      if (cell?.kind !== 'train') return notebook;
      const models = candidatesOf(notebook, id, 'model');
      return referTo(notebook, id, 'model', models[m % models.length]?.id ?? '').notebook;
    }
    const { first, last } = rangeOf(notebook, id);
    const to = m % notebook.cells.length;
    if (to >= first && to <= last) return moveCell(notebook, id, to).notebook;
    expect(() => moveCell(notebook, id, to)).toThrow(/refers to/);
    return notebook;
  });

describe('the document', () => {
  it('stays a valid notebook under any sequence of changes, and undo restores each state', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(acts, { maxLength: 25 }), (full, sequence) => {
        const history = new History<Notebook>();
        const states = [full ? digits : empty];
        for (const act of sequence) {
          const now = states[states.length - 1] ?? empty;
          history.record(now);
          const next = act(now);
          expect(NotebookSchema.safeParse(next).error?.issues ?? []).toEqual([]);
          states.push(next);
        }
        let now = states[states.length - 1] ?? empty;
        for (const before of [...states].slice(0, -1).reverse()) {
          now = history.undo(now) ?? empty;
          expect(now).toBe(before);
        }
        expect(history.canUndo).toBe(false);
        for (const after of states.slice(1)) {
          now = history.redo(now) ?? empty;
          expect(now).toBe(after);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('makes what a new cell needs, once', () => {
    const { notebook, ids: made } = addCell(empty, 'samples', 0);
    expect(ids(notebook)).toEqual(['data', 'model', 'train', 'samples']);
    expect(made).toEqual(['samples']);
    const again = addCell(notebook, 'curves', 0);
    expect(ids(again.notebook)).toEqual(['data', 'model', 'train', 'curves', 'samples']);
  });

  it('binds a new cell to the nearest train cell above', () => {
    const two = addCell(digits, 'train', 7).notebook;
    const late = addCell(two, 'curves', 8).notebook;
    expect(late.cells[8]).toMatchObject({ id: 'curves-2', train: 'train-2' });
    const early = addCell(two, 'curves', 5).notebook;
    expect(early.cells[5]).toMatchObject({ train: 'train' });
  });

  it('removes what refers to a removed cell, and says what went', () => {
    const { notebook, ids: went } = removeCells(digits, ['model']);
    expect(went).toEqual(['model', 'train', 'curves', 'trajectories', 'samples']);
    expect(ids(notebook)).toEqual(['note', 'data']);
  });

  it('says which cell is in the way of a move', () => {
    expect(() => moveCell(digits, 'model', 0)).toThrow('Model (3) refers to Data (2)');
    expect(() => moveCell(digits, 'data', 3)).toThrow('Model (3) refers to Data (2)');
    expect(ids(moveCell(digits, 'note', 6).notebook)[6]).toBe('note');
  });

  it('copies a train cell without its run, and keeps references inside a copied group', () => {
    const ran = {
      ...digits,
      cells: digits.cells.map((cell) =>
        cell.kind === 'train' ? { ...cell, run: '20260101-101010-a-b' } : cell,
      ),
    };
    expect(duplicateCell(ran, 'train').notebook.cells[4]).toMatchObject({
      id: 'train-2',
      run: null,
    });
    const group = digits.cells.slice(1);
    const { notebook } = pasteCells(digits, group, 7);
    expect(notebook.cells.slice(7)).toMatchObject([
      { id: 'data-2' },
      { id: 'model-2', data: 'data-2' },
      { id: 'train-2', model: 'model-2' },
      { id: 'curves-2', train: 'train-2' },
      { id: 'trajectories-2', train: 'train-2' },
      { id: 'samples-2', train: 'train-2' },
    ]);
  });

  it('knows what a cell is about', () => {
    const two = addCell(digits, 'train', 7).notebook;
    expect(dependantsOf(two, 'data')).toEqual([
      'model',
      'train',
      'curves',
      'trajectories',
      'samples',
      'train-2',
    ]);
    expect(causesOf(two, 'curves').sort()).toEqual(['data', 'model', 'train']);
    expect(trainOf(two, 'curves')).toBe('train');
    expect(trainOf(two, 'model')).toBe('train');
    expect(trainOf(two, 'model', 'train-2')).toBe('train-2');
    expect(trainOf(two, 'note')).toBeUndefined();
    expect(configAround(two, 'samples')).toEqual(config);
    const alone = addCell(empty, 'data', 0).notebook;
    expect(configAround(alone, 'data').preset).toBe('quick');
  });

  it('writes a fold as one line, and nothing where a cell is open', () => {
    const folded = foldCell(digits, 'curves', true);
    expect(parseNotebook(printNotebook(folded))).toEqual(folded);
    expect(printNotebook(foldCell(folded, 'curves', false))).toBe(printNotebook(digits));
  });
});

describe('History', () => {
  it('undoes changes of one key together, and lays facts into every state', () => {
    const history = new History<{ text: string; run?: string }>();
    history.record({ text: '' }, 'note');
    history.record({ text: 'a' }, 'note');
    history.record({ text: 'ab' }, 'other');
    history.amend((state) => ({ ...state, run: 'r' }));
    expect(history.undo({ text: 'abc', run: 'r' })).toEqual({ text: 'ab', run: 'r' });
    expect(history.undo({ text: 'ab', run: 'r' })).toEqual({ text: '', run: 'r' });
    expect(history.undo({ text: '' })).toBeUndefined();
    expect(history.redo({ text: '' })).toEqual({ text: 'ab', run: 'r' });
  });

  it('forgets the oldest beyond its limit, and the redone after a new change', () => {
    const history = new History<number>(2);
    [1, 2, 3].forEach((state) => history.record(state));
    expect(history.undo(4)).toBe(3);
    history.record(3);
    expect(history.canRedo).toBe(false);
    expect([history.undo(9), history.undo(3), history.undo(2)]).toEqual([3, 2, undefined]);
  });
});

describe('templates', () => {
  it.each(TEMPLATES.map((template) => [template.title, template] as const))(
    '%s is a notebook whose runs would start',
    (_title, { make }) => {
      const notebook = make();
      expect(parseNotebook(printNotebook(notebook))).toEqual(notebook);
      const trains = notebook.cells.filter(({ kind }) => kind === 'train');
      expect(trains.length).toBeGreaterThan(1);
      const configs = trains.map(({ id }) => runConfigOf(notebook, id));
      for (const each of configs) expect(RunConfigSchema.safeParse(each).success).toBe(true);
      expect(new Set(configs.map((each) => JSON.stringify(each))).size).toBe(trains.length);
    },
  );
});
