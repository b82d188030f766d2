/** Least time between two breaths, ms. */
const BREATH_MS = 900;
let breathed = 0;

/**
 * Called with each news of a training: what shows that it lives dims and lights up with them, in the
 * frame that they are drawn in, and stands still when none come.
 */
export function breathe(root: HTMLElement, now = performance.now()): void {
  if (now - breathed < BREATH_MS) return;
  breathed = now;
  root.classList.toggle('exhales');
}
