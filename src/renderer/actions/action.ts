import type { Session } from '../session/session.svelte';

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

export const inNotebook = (session: Session): boolean =>
  session.notebook.document !== undefined && !session.starting;
