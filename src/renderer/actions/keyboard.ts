import type { Session } from '../session/session.svelte';
import { belongsToControl, chordOf, placeOf, Sequence } from './chords';
import type { Keymap } from './keymap.svelte';

export const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);

/** The window's keyboard: looks every chord up in the table of actions. */
export function keyboard(session: Session, keymap: Keymap): (event: KeyboardEvent) => void {
  const sequence = new Sequence();
  const mac = isMac();
  return (event) => {
    if (event.defaultPrevented) return;
    const place = placeOf(event.target);
    if (place === 'overlay') return;
    const chord = chordOf(event, mac);
    if (chord === undefined) return;
    if (chord === 'Escape') {
      if (leaveToCell(event.target)) event.preventDefault();
      return;
    }
    if (place === 'control' && belongsToControl(chord)) return;
    const bindings = sequence.take(chord, event.timeStamp, (each) =>
      place === 'text' ? false : keymap.begins(each),
    );
    for (const binding of bindings) {
      const action = keymap.find(binding);
      if (!action || (place === 'text' && !action.inText) || !action.when(session)) continue;
      event.preventDefault();
      sequence.clear();
      action.run(session);
      return;
    }
  };
}

/** Esc leaves what is edited in a cell: the cell itself has the focus, and its letters act. */
function leaveToCell(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const cell = target.closest<HTMLElement>('section[id^="cell-"]');
  if (!cell || cell === target) return false;
  cell.focus({ preventScroll: true });
  return true;
}
