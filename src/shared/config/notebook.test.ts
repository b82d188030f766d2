import { describe, expect, it } from 'vitest';
import { findCell, notebookFor, parseNotebook, printNotebook, runConfigOf } from './notebook';
import { configFor } from './presets';
import { LATER, RunConfigSchema } from './run-config';

const config = configFor('quick', { kind: 'digits' });
const notebook = notebookFor(config, '# Digits');

describe('notebook', () => {
  it('survives printing and parsing, and gives back the very configuration', () => {
    const again = parseNotebook(printNotebook(notebook));
    expect(again).toEqual(notebook);
    expect(runConfigOf(again, 'train')).toEqual(config);
    expect(RunConfigSchema.safeParse(runConfigOf(again, 'train')).success).toBe(true);
  });

  it('prints one setting a line, ending with a newline', () => {
    const text = printNotebook(notebook);
    expect(text.endsWith('}\n')).toBe(true);
    expect(text).toContain('\n        "batch_size": 32,\n');
  });

  it('keeps a draft that a run would refuse', () => {
    const train = findCell(notebook, 'train', 'train');
    const draft = {
      ...notebook,
      cells: notebook.cells.map((cell) =>
        cell === train ? { ...train, training: { ...train.training, batch_size: -1 } } : cell,
      ),
    };
    const again = parseNotebook(printNotebook(draft));
    expect(RunConfigSchema.safeParse(runConfigOf(again, 'train')).success).toBe(false);
  });

  it('opens a notebook without a prototypes cell as it is', () => {
    const older = {
      ...notebook,
      cells: notebook.cells.filter(({ kind }) => kind !== 'prototypes'),
    };
    expect(older.cells.length).toBe(notebook.cells.length - 1);
    expect(parseNotebook(printNotebook(older))).toEqual(older);
  });

  it.each([
    ['not json', /not valid JSON/],
    ['{}', /was not opened/],
    ['{"protodiff_notebook":2,"cells":[]}', /protodiff_notebook/],
    [
      '{"protodiff_notebook":1,"cells":[{"id":"d","kind":"data","data":{"image_size":32}}]}',
      /cells\.0\.data: data\.source is missing/,
    ],
    ['{"protodiff_notebook":1,"cells":[{"id":"a","kind":"poem"}]}', /cells\.0/],
    [
      '{"protodiff_notebook":1,"cells":[{"id":"s","kind":"samples","train":"gone"}]}',
      /needs a train cell above it called gone/,
    ],
  ])('refuses %s with a sentence', (text, message) => {
    expect(() => parseNotebook(text)).toThrow(message);
  });

  it('refuses two cells of one name', () => {
    const doubled = { ...notebook, cells: [...notebook.cells, ...notebook.cells.slice(0, 1)] };
    expect(() => parseNotebook(printNotebook(doubled))).toThrow(/two cells are called note/);
  });

  it('says so when a train cell stands alone', () => {
    expect(() => runConfigOf(notebook, 'elsewhere')).toThrow(/no model or data/);
  });

  it('of before a setting was known opens with what it meant', () => {
    const old = JSON.parse(printNotebook(notebook)) as typeof notebook;
    const forget = (settings: object, later: object): void => {
      for (const key of Object.keys(later)) delete (settings as Record<string, unknown>)[key];
    };
    for (const cell of old.cells) {
      if (cell.kind === 'train') forget(cell.training, LATER.training);
      if (cell.kind === 'data') forget(cell.data, LATER.data);
    }
    const { data, training } = runConfigOf(parseNotebook(JSON.stringify(old)), 'train');
    expect(data).toEqual({ ...config.data, ...LATER.data });
    expect(training).toEqual({ ...config.training, ...LATER.training });
  });
});
