import { CELL_KINDS, KIND_NAMES } from '@shared/config/cell-kinds';
import type { Session } from '../session/session.svelte';
import { inNotebook } from './action';
import type { Action } from './action';
import { runCell } from './run-cells';

const onCell = (session: Session): boolean =>
  inNotebook(session) && session.document.indexOf(session.trains.selected) >= 0;
const at = (session: Session): number => session.document.indexOf(session.trains.selected);

/** What is done to a cell, and new ones. */
export const CELL_ACTIONS: readonly Action[] = [
  {
    id: 'cell.run-next',
    title: 'Run the cell and go on',
    group: 'Cell',
    keys: ['Shift+Enter'],
    inText: true,
    when: onCell,
    run: (session) => {
      runCell(session, session.trains.selected);
      session.document.step(1);
    },
  },
  {
    id: 'cell.run',
    title: 'Run the cell',
    group: 'Cell',
    keys: ['Mod+Enter'],
    inText: true,
    when: onCell,
    run: (session) => {
      runCell(session, session.trains.selected);
      session.document.go(session.trains.selected);
    },
  },
  {
    id: 'cell.edit',
    title: 'Edit the cell',
    group: 'Cell',
    keys: ['Enter'],
    when: onCell,
    run: (session) => session.document.edit(session.trains.selected),
  },
  {
    id: 'cell.next',
    title: 'Select the next cell',
    group: 'Cell',
    keys: ['J', 'ArrowDown'],
    when: inNotebook,
    run: (session) => session.document.step(1),
  },
  {
    id: 'cell.previous',
    title: 'Select the previous cell',
    group: 'Cell',
    keys: ['K', 'ArrowUp'],
    when: inNotebook,
    run: (session) => session.document.step(-1),
  },
  {
    id: 'cell.up',
    title: 'Move the cell up',
    group: 'Cell',
    keys: ['Mod+Shift+ArrowUp'],
    when: onCell,
    run: (session) => session.document.move(session.trains.selected, at(session) - 1),
  },
  {
    id: 'cell.down',
    title: 'Move the cell down',
    group: 'Cell',
    keys: ['Mod+Shift+ArrowDown'],
    when: onCell,
    run: (session) => session.document.move(session.trains.selected, at(session) + 1),
  },
  {
    id: 'cell.fold',
    title: 'Fold or unfold the cell',
    group: 'Cell',
    keys: ['O'],
    when: onCell,
    run: (session) => {
      const cell = session.document.cells[at(session)];
      if (cell) session.document.fold(cell.id, cell.folded !== true);
    },
  },
  {
    id: 'cell.duplicate',
    title: 'Duplicate the cell',
    group: 'Cell',
    keys: ['Shift+D'],
    when: onCell,
    run: (session) => session.document.duplicate(session.trains.selected),
  },
  {
    id: 'cell.copy',
    title: 'Copy the cell',
    group: 'Cell',
    keys: ['C'],
    when: onCell,
    run: (session) => session.document.copy(session.trains.selected),
  },
  {
    id: 'cell.cut',
    title: 'Cut the cell',
    group: 'Cell',
    keys: ['X'],
    when: onCell,
    run: (session) => session.document.remove(session.trains.selected, true),
  },
  {
    id: 'cell.paste',
    title: 'Paste below',
    group: 'Cell',
    keys: ['V'],
    when: (session) => inNotebook(session) && session.document.clipboard.length > 0,
    run: (session) => session.document.paste(),
  },
  {
    id: 'cell.delete',
    title: 'Delete the cell',
    group: 'Cell',
    keys: ['D D'],
    when: onCell,
    run: (session) => session.document.remove(session.trains.selected),
  },
  {
    id: 'undo',
    title: 'Undo the last change of the notebook',
    group: 'Cell',
    keys: ['Z', 'Mod+Z'],
    when: inNotebook,
    run: (session) => session.document.undo(),
  },
  {
    id: 'redo',
    title: 'Redo',
    group: 'Cell',
    keys: ['Shift+Z', 'Mod+Shift+Z'],
    when: inNotebook,
    run: (session) => session.document.redo(),
  },
  {
    id: 'add.above',
    title: 'Add a cell above…',
    group: 'Add a cell',
    keys: ['A'],
    when: inNotebook,
    run: (session) => session.shell.add(Math.max(0, at(session))),
  },
  {
    id: 'add.below',
    title: 'Add a cell below…',
    group: 'Add a cell',
    keys: ['B'],
    when: inNotebook,
    run: (session) => session.shell.add(at(session) + 1 || session.document.cells.length),
  },
  ...KIND_NAMES.map((kind): Action => ({
    id: `add.${kind}`,
    title: `Add a ${CELL_KINDS[kind].title.toLowerCase()} cell`,
    group: 'Add a cell',
    keys: kind === 'note' ? ['M'] : kind === 'train' ? ['Y'] : [],
    when: inNotebook,
    run: (session) => session.document.add(kind),
  })),
];
