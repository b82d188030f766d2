import { CELL_KINDS, KIND_NAMES } from '@shared/config/cell-kinds';
import { theme } from '../components/theme.svelte';
import { exportNotebook } from '../export/export-notebook';
import type { Session } from '../session/session.svelte';
import { again, interrupt, interruptible, runAllStale, runCell, togglePause } from './run-cells';

export const GROUPS = ['Cell', 'Add a cell', 'Run', 'Notebook', 'Window'] as const;

export interface Action {
  id: string;
  title: string;
  group: (typeof GROUPS)[number];
  /** As shipped; see keymap.svelte.ts for what a person made of them. */
  keys: readonly string[];
  /** Its keys act in text fields too. */
  inText?: true;
  when: (session: Session) => boolean;
  run: (session: Session) => void;
}

const inNotebook = (session: Session): boolean =>
  session.notebook.document !== undefined && !session.starting;
const onCell = (session: Session): boolean =>
  inNotebook(session) && session.document.indexOf(session.trains.selected) >= 0;
const at = (session: Session): number => session.document.indexOf(session.trains.selected);
const queueable = ({ focus, notebook }: Session): boolean =>
  focus.cell !== undefined && notebook.problems(focus.id).length === 0;
const isRunning = (session: Session): boolean => session.focus.activity !== null;

/**
 * Everything that a person can do to the document, in one table: the palette, the keyboard, the
 * menus and the key sheet read it. Single letters are Jupyter's command mode: they act while a
 * cell, not a text field, has the focus.
 */
export const ACTIONS: readonly Action[] = [
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
  {
    id: 'run.pause',
    title: 'Pause or resume training',
    group: 'Run',
    keys: ['Space'],
    when: (session) => session.active !== null,
    run: togglePause,
  },
  {
    id: 'run.interrupt',
    title: 'Interrupt: give up pictures, or stop training',
    group: 'Run',
    keys: ['Mod+I', 'I I'],
    inText: true,
    when: interruptible,
    run: interrupt,
  },
  {
    id: 'run.again',
    title: 'Train again with the settings of the notebook',
    group: 'Run',
    keys: [],
    when: (session) => session.focus.cell !== undefined && session.active === null,
    run: (session) => again(session, session.focus.id),
  },
  {
    id: 'run.sample',
    title: 'Sample now',
    group: 'Run',
    keys: [],
    when: isRunning,
    run: (session) => order(session, 'run.sample'),
  },
  {
    id: 'run.checkpoint',
    title: 'Checkpoint now',
    group: 'Run',
    keys: [],
    when: isRunning,
    run: (session) => order(session, 'run.checkpoint'),
  },
  {
    id: 'run.step',
    title: 'Make a single step',
    group: 'Run',
    keys: [],
    when: (session) => session.focus.activity?.phase === 'paused',
    run: (session) => order(session, 'run.step'),
  },
  {
    id: 'run.branch',
    title: 'Branch from the last checkpoint…',
    group: 'Run',
    keys: [],
    when: ({ focus: { summary } }) => (summary?.last_checkpoint ?? null) !== null,
    run: ({ focus: { summary }, shell }) => {
      if (summary) shell.branch(summary.run, summary.last_checkpoint ?? 0);
    },
  },
  {
    id: 'queue.add',
    title: 'Add the settings to the queue',
    group: 'Run',
    keys: ['Mod+Alt+Enter'],
    inText: true,
    when: queueable,
    run: (session) => void session.queue.add(session.focus.id),
  },
  {
    id: 'queue.sweep',
    title: 'Sweep over settings…',
    group: 'Run',
    keys: [],
    when: queueable,
    run: (session) => session.shell.sweep(session.focus.id),
  },
  {
    id: 'queue.start',
    title: 'Start the queue',
    group: 'Run',
    keys: [],
    when: ({ queue }) => !queue.running && queue.waiting.length > 0,
    run: ({ queue }) => void queue.start(),
  },
  {
    id: 'queue.pause',
    title: 'Pause the queue',
    group: 'Run',
    keys: [],
    when: ({ queue }) => queue.running,
    run: ({ queue }) => void queue.pause(),
  },
  {
    id: 'notebook.stale',
    title: 'Run all that is stale',
    group: 'Notebook',
    keys: ['Mod+Shift+R'],
    inText: true,
    when: inNotebook,
    run: runAllStale,
  },
  {
    id: 'notebook.new',
    title: 'New notebook…',
    group: 'Notebook',
    keys: [],
    when: (session) => !session.starting,
    run: (session) => (session.starting = true),
  },
  {
    id: 'notebook.duplicate',
    title: 'Duplicate the notebook',
    group: 'Notebook',
    keys: [],
    when: inNotebook,
    run: (session) => void session.library.duplicate(session.notebook.name),
  },
  {
    id: 'notebook.delete',
    title: 'Delete the notebook',
    group: 'Notebook',
    keys: [],
    when: inNotebook,
    run: (session) => void session.library.remove(session.notebook.name),
  },
  {
    id: 'notebook.export',
    title: 'Export the notebook as HTML',
    group: 'Notebook',
    keys: [],
    when: inNotebook,
    run: (session) => void exportNotebook(session),
  },
  {
    id: 'palette',
    title: 'Search or run…',
    group: 'Window',
    keys: ['Mod+K', 'Mod+Shift+C'],
    inText: true,
    when: () => true,
    run: (session) => session.shell.search(),
  },
  {
    id: 'keys',
    title: 'Keys: look up and change',
    group: 'Window',
    keys: ['Mod+Shift+H'],
    inText: true,
    when: () => true,
    run: (session) => session.shell.showKeys(),
  },
  {
    id: 'theme',
    title: 'Light or dark theme',
    group: 'Window',
    keys: [],
    when: () => true,
    run: () => theme.toggle(window),
  },
];

function order(session: Session, name: 'run.sample' | 'run.checkpoint' | 'run.step'): void {
  const { activity } = session.focus;
  if (activity) void session.order(name, activity.run);
}

export function actionOf(id: string): Action {
  const found = ACTIONS.find((action) => action.id === id);
  if (!found) throw new Error(`There is no action ${id}.`);
  return found;
}
