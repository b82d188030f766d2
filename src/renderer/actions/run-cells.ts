import { nameOf } from '@shared/config/document-links';
import type { Session } from '../session/session.svelte';

/** Runs a cell: what that means is the cell's own affair (see CellFrame). */
export function runCell(session: Session, id: string): void {
  session.document.ports.get(id)?.run?.();
}

/** Space: the run that trains, whichever cell is selected. */
export function togglePause(session: Session): void {
  const { active } = session;
  if (!active) return;
  void session.order(active.phase === 'paused' ? 'run.resume' : 'run.pause', active.run);
}

/** Whether there is something to interrupt. */
export const interruptible = (session: Session): boolean =>
  session.active !== null || [...session.document.ports.values()].some(({ cancel }) => cancel);

/** Pictures that are being made are given up; where there are none, training stops. */
export function interrupt(session: Session): void {
  const working = [...session.document.ports.values()].flatMap(({ cancel }) => cancel ?? []);
  if (working.length > 0) {
    for (const cancel of working) cancel();
    return;
  }
  const { active } = session;
  if (active) void session.order('run.stop', active.run);
}

/** A new run from a train cell's settings; the run that it showed stays in the workspace. */
export function again(session: Session, trainId: string): void {
  void session.start(trainId);
}

/**
 * Makes all pictures anew whose settings were changed since. Training is never started by this:
 * where a train cell is stale it is asked for first.
 */
export function runAllStale(session: Session): void {
  const document = session.notebook.document;
  if (!document) return;
  for (const { id } of document.cells) {
    const port = session.document.ports.get(id);
    if (port?.stale) port.run?.();
  }
  const stale = document.cells.filter(
    ({ id, kind }) => kind === 'train' && session.train(id).changes.length > 0,
  );
  const [first] = stale;
  if (!first) return;
  const names = stale.map(({ id }) => nameOf(document, id)).join(' and ');
  session.shell.ask({
    title: `Train ${nameOf(document, first.id)} again?`,
    words: session.active
      ? `${names} changed since ${stale.length === 1 ? 'its run' : 'their runs'} began, but ${session.active.name} is training: stop it first.`
      : `${names} changed since ${stale.length === 1 ? 'its run' : 'their runs'} began. Training takes its time and makes a new run; the run that is there stays.`,
    act: 'Train again',
    run: session.active ? undefined : () => again(session, first.id),
  });
}
