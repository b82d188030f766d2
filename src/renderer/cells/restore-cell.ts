import type { Cell } from '@shared/config/notebook';
import type { TrajectoryPlan } from '@shared/config/sampling-rows';
import type { Session } from '../session/session.svelte';

/** Whether a cell takes up what a file restores: the first of its kind that is about the run. */
export function takesUp(session: Session, { id, kind }: Cell, run: string): boolean {
  const cells = session.notebook.document?.cells;
  if (!cells) return true;
  const about = (cell: Cell): boolean => session.trains.about(cell.id)?.run === run;
  return cells.find((cell) => cell.kind === kind && about(cell))?.id === id;
}

/** A plan whose live weights were those of `step`, from the checkpoint there when it is stored. */
export function atStep(
  plan: TrajectoryPlan,
  step: number,
  stored: (step: number) => boolean,
): TrajectoryPlan {
  const checkpoint = stored(step) ? step : null;
  const rows = plan.rows.map((row) =>
    row.checkpoint === null && row.run === null ? { ...row, checkpoint } : row,
  );
  return { ...plan, rows };
}

/** Brings a cell into view, and the keyboard to it. */
export function show(cell: string): void {
  const place = document.getElementById(`cell-${cell}`);
  place?.scrollIntoView({ block: 'start' });
  place?.querySelector<HTMLElement>('button')?.focus({ preventScroll: true });
}
