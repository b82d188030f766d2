import { theme } from '../components/theme.svelte';
import { exportNotebook } from '../export/export-notebook';
import { inNotebook } from './action';
import type { Action } from './action';
import { CELL_ACTIONS } from './cell-actions';
import { RUN_ACTIONS } from './run-actions';
import { runAllStale } from './run-cells';

/**
 * Everything that a person can do to the document, in one table: the palette, the keyboard, the
 * menus and the key sheet read it. Single letters are Jupyter's command mode: they act while a
 * cell, not a text field, has the focus.
 */
export const ACTIONS: readonly Action[] = [
  ...CELL_ACTIONS,
  ...RUN_ACTIONS,
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

export function actionOf(id: string): Action {
  const found = ACTIONS.find((action) => action.id === id);
  if (!found) throw new Error(`There is no action ${id}.`);
  return found;
}
