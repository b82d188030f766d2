import type { Attachment } from 'svelte/attachments';
import type { DocumentController } from '../session/document.svelte';

/** How far the pointer must go before a press becomes a drag, px. */
const SLACK = 6;

/** Drags a cell by its header: a line shows where it would go, and the cell goes there on release. */
export function draggable(id: string, desk: DocumentController): Attachment<HTMLElement> {
  return (header) => {
    let from: { x: number; y: number } | undefined;
    const down = (event: PointerEvent): void => {
      const { target } = event;
      if (event.button !== 0 || !(target instanceof Element)) return;
      if (target.closest('button, a, input, select, textarea')) return;
      from = { x: event.clientX, y: event.clientY };
      addEventListener('pointermove', move);
      addEventListener('pointerup', up);
      addEventListener('pointercancel', end);
      addEventListener('keydown', cancel, true);
    };
    const move = (event: PointerEvent): void => {
      if (!from) return;
      if (desk.drag === undefined) {
        if (Math.hypot(event.clientX - from.x, event.clientY - from.y) < SLACK) return;
        getSelection()?.removeAllRanges();
      }
      event.preventDefault();
      desk.drag = { id, before: indexAt(event.clientX, event.clientY) };
    };
    const up = (): void => {
      const goal = desk.drag;
      end();
      if (!goal) return;
      const at = desk.indexOf(id);
      // Taken out first, the cell makes those below it move up by one.
      const index = goal.before > at ? goal.before - 1 : goal.before;
      if (index !== at) desk.move(id, index);
    };
    const cancel = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      end();
    };
    const end = (): void => {
      from = undefined;
      desk.drag = undefined;
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('pointercancel', end);
      removeEventListener('keydown', cancel, true);
    };
    header.addEventListener('pointerdown', down);
    return () => {
      end();
      header.removeEventListener('pointerdown', down);
    };
  };
}

/** The index that a cell dropped here would be put before. */
function indexAt(x: number, y: number): number {
  const cells = [...document.querySelectorAll('section[id^="cell-"]')];
  const after = cells.findIndex((cell) => {
    const { top, bottom, left, right } = cell.getBoundingClientRect();
    const sideways = cells.some((other) => {
      const box = other.getBoundingClientRect();
      return other !== cell && box.top < bottom && box.bottom > top;
    });
    // Of two cells in a row the pointer's side decides.
    if (sideways && y >= top && y <= bottom) return x < (left + right) / 2;
    return y < (top + bottom) / 2;
  });
  return after < 0 ? cells.length : after;
}
