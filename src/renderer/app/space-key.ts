import type { Session } from '../session/session.svelte';

/** Space pauses or resumes the viewed run, unless it belongs to what has the focus. */
export function toggleOnSpace(event: KeyboardEvent, session: Session): void {
  if (event.key !== ' ' || event.ctrlKey || event.altKey || event.metaKey) return;
  const { target } = event;
  if (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input, select, textarea, button, a, summary, [role="button"]'))
  ) {
    return;
  }
  const activity = session.viewedActivity;
  if (!activity) return;
  event.preventDefault();
  void session.order(activity.phase === 'paused' ? 'run.resume' : 'run.pause', activity.run);
}
