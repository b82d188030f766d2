import type { TrajectoryView } from '@shared/config/notebook';
import type { TrajectoryPlan } from '@shared/config/sampling-rows';
import type { Picture } from '../../components/pixels';
import { download, pngOf, sheetOf } from '../../components/png';
import { keyOf } from './frames';

interface Strip {
  run: string;
  plan: TrajectoryPlan;
  view: TrajectoryView;
  columns: readonly number[];
  weightsSteps: readonly number[];
  pictures: ReadonlyMap<string, Picture | null>;
  dark: boolean;
}

/** `brisk-heron_step_00012000_seed_42_x_0.png`, the run's id before it. */
export function stripName({ run, weightsSteps, plan, view }: Omit<Strip, 'pictures'>): string {
  const step = String(Math.max(0, ...weightsSteps)).padStart(8, '0');
  return `${run}_step_${step}_seed_${plan.seed}_${view}.png`;
}

/** Downloads the grid at the images' own pixels, what it was made with in a text chunk. */
export function saveStrip(strip: Strip): void {
  const { run, plan, view, columns, weightsSteps, pictures, dark } = strip;
  const rows = plan.rows.map((_row, r) => columns.map((_t, c) => pictures.get(keyOf(r, c))));
  const sheet = sheetOf(rows, 1, dark ? [26, 30, 35] : [255, 255, 255]);
  const settings = { trajectories: { run, plan, view, columns, weights_steps: weightsSteps } };
  download(stripName(strip), pngOf(sheet, settings), 'image/png');
}
