import { CELL_KINDS, KIND_NAMES, titleOf } from '@shared/config/cell-kinds';
import { KNOBS, KNOB_NAMES } from '@shared/config/knobs';
import type { CellKind } from '@shared/config/notebook';
import { ACTIONS } from '../../actions/actions';
import type { Keymap } from '../../actions/keymap.svelte';
import { MARK_WORDS } from '../../components/states';
import type { Mark } from '../../components/states';
import type { Session } from '../../session/session.svelte';

export interface Entry {
  id: string;
  group: string;
  title: string;
  detail: string;
  keys?: string | undefined;
  mark?: Mark;
  kind?: CellKind;
  /** Index into the palette of runs. */
  colour?: number;
  run: () => void;
}

/** All that can be done, gone to or opened now. */
export function entriesOf(session: Session, keymap: Keymap): Entry[] {
  const { document: desk, shell } = session;
  const close = (act: () => void) => (): void => {
    shell.close();
    act();
  };
  const actions = ACTIONS.filter((action) => action.id !== 'palette' && action.when(session)).map(
    (action): Entry => ({
      id: action.id,
      group: action.group,
      title: action.title,
      detail: '',
      keys: keymap.keysOf(action)[0],
      run: close(() => action.run(session)),
    }),
  );
  const cells = desk.cells.map((cell, index): Entry => ({
    id: `cell ${cell.id}`,
    group: 'Cells',
    title: titleOf(cell),
    detail: `cell ${index + 1}${cell.kind === 'note' ? `, ${firstLine(cell.text)}` : ''}`,
    kind: cell.kind,
    run: close(() => desk.go(cell.id)),
  }));
  const runs = (session.runs ?? []).map((run): Entry => ({
    id: `run ${run.run}`,
    group: 'Runs',
    title: run.name,
    detail: `${MARK_WORDS[run.state].toLowerCase()}, ${run.data}, ${run.preset} preset`,
    mark: run.state,
    colour: run.colour,
    run: close(() => session.view(run.run)),
  }));
  const notebooks = (session.library.notebooks ?? []).map(({ name }): Entry => ({
    id: `notebook ${name}`,
    group: 'Notebooks',
    title: name,
    detail: name === session.notebook.name ? 'open' : '',
    run: close(() => void session.openNotebook(name)),
  }));
  const trash = session.library.trash.map(({ name }): Entry => ({
    id: `trash ${name}`,
    group: 'Deleted notebooks',
    title: `Restore ${name}`,
    detail: '',
    run: close(() => void session.library.restore(name, name)),
  }));
  const knobs = KNOB_NAMES.map((name): Entry => ({
    id: `knob ${name}`,
    group: 'Knobs',
    title: KNOBS[name].label,
    detail: session.focus.summary ? `of ${session.focus.summary.name}` : 'start value',
    run: close(() => focusKnob(KNOBS[name].label)),
  }));
  return [...actions, ...cells, ...runs, ...notebooks, ...knobs, ...trash];
}

/** The kinds of cell, for the menu of new cells. */
export function newCells(session: Session, keymap: Keymap, index: number): Entry[] {
  return KIND_NAMES.map((kind): Entry => {
    const action = ACTIONS.find(({ id }) => id === `add.${kind}`);
    return {
      id: `add ${kind}`,
      group: 'New cell',
      title: CELL_KINDS[kind].title,
      detail: CELL_KINDS[kind].help,
      keys: action && keymap.keysOf(action)[0],
      kind,
      run: () => {
        session.shell.close();
        session.document.add(kind, index);
      },
    };
  });
}

function focusKnob(label: string): void {
  const knobs = document.querySelector('aside[aria-label="Live knobs"]');
  const field = [...(knobs?.querySelectorAll<HTMLInputElement>('input') ?? [])].find(
    (input) =>
      input.labels?.[0]?.textContent?.includes(label) || input.getAttribute('aria-label') === label,
  );
  field?.focus();
  field?.scrollIntoView({ block: 'nearest' });
}

function firstLine(text: string): string {
  return text.replace(/^[#\s]+/, '').split('\n')[0] ?? '';
}

/**
 * Entries that hold every word of the query, the best first: at the beginning of the title, at the
 * beginning of a word, within, in the detail. Without a query the recent ones come first.
 */
export function found(
  entries: readonly Entry[],
  query: string,
  recent: readonly string[],
): Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    const late = recent
      .map((id) => entries.find((entry) => entry.id === id))
      .filter((entry) => entry !== undefined)
      .map((entry) => ({ ...entry, group: 'Recent' }));
    return [...late, ...entries.filter(({ id }) => !recent.includes(id))];
  }
  const scored = entries.map((entry) => ({ entry, score: scoreOf(entry, words) }));
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ entry }) => entry);
}

function scoreOf({ title, detail, group }: Entry, words: readonly string[]): number {
  const name = title.toLowerCase();
  const rest = `${detail} ${group}`.toLowerCase();
  let total = 0;
  for (const word of words) {
    const score = name.startsWith(word)
      ? 8
      : name.includes(` ${word}`)
        ? 6
        : name.includes(word)
          ? 3
          : rest.includes(word)
            ? 1
            : 0;
    if (score === 0) return 0;
    total += score;
  }
  return total;
}

/** Entries by group, groups in the order of their best entry. */
export function grouped(entries: readonly Entry[]): [string, Entry[]][] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  }
  return [...groups];
}
