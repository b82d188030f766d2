import { undoWay } from '@shared/config/surgery';
import type { Done } from '@shared/config/surgery';

/** `p3 split into p3 and p10`. */
export function actWords({ act, before, after }: Done, past: readonly Done[]): string {
  const made = after.ids.find((id) => !before.ids.includes(id));
  switch (act.kind) {
    case 'split':
      return `p${act.prototype} split into p${act.prototype} and p${made}`;
    case 'merge':
      return `p${act.prototype} merged into p${act.into}`;
    case 'revive':
      return `p${act.prototype} revived`;
    case 'freeze':
      return `p${act.prototype} frozen`;
    case 'unfreeze':
      return `p${act.prototype} unfrozen`;
    case 'add':
      return `p${made} added`;
    case 'remove':
      return `p${act.prototype} removed`;
    case 'undo': {
      const target = past[act.act];
      return target === undefined ? 'undone' : `undone: ${actWords(target, past)}`;
    }
  }
}

/** The sign that marks an act on curves. */
export function actSign({ touched }: Pick<Done, 'touched'>): string {
  return `p${touched[0] ?? ''}`;
}

/** What undoing an act does, in a sentence. */
export function undoWords(done: Pick<Done, 'edits'>): string {
  return undoWay(done) === 'reverse'
    ? 'The reverse act, from the next step on'
    : 'Puts back the rows from before the act, moments and average too, whatever has been trained since';
}
