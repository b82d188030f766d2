import type { TrajectoryView } from '@shared/config/notebook';
import type { TrajectoryPlan } from '@shared/config/sampling-rows';
import type { Picture } from '../../components/pixels';
import { ascii, download, pngOf, sheetOf } from '../../components/png';
import type { AnimationEncoder } from './animation/encoder.svelte';
import type { AnimationKind } from './animation/worker';
import { keyOf } from './frames';

export interface Strip {
  run: string;
  plan: TrajectoryPlan;
  view: TrajectoryView;
  columns: readonly number[];
  weightsSteps: readonly number[];
  pictures: ReadonlyMap<string, Picture | null>;
  dark: boolean;
}

/** `brisk-heron_step_00012000_seed_42_x_0`, the run's id before it. */
export function stripStem({ run, weightsSteps, plan, view }: Omit<Strip, 'pictures'>): string {
  const step = String(Math.max(0, ...weightsSteps)).padStart(8, '0');
  return `${run}_step_${step}_seed_${plan.seed}_${view}`;
}

/** What a file of a grid says about how it was made. */
const settingsOf = ({ run, plan, view, columns, weightsSteps }: Strip): unknown => ({
  trajectories: { run, plan, view, columns, weights_steps: weightsSteps },
});

const groundOf = ({ dark }: Strip): [number, number, number] =>
  dark ? [26, 30, 35] : [255, 255, 255];

/** Downloads the grid at the images' own pixels, what it was made with in a text chunk. */
export function saveStrip(strip: Strip): void {
  const { plan, columns, pictures } = strip;
  const rows = plan.rows.map((_row, r) => columns.map((_t, c) => pictures.get(keyOf(r, c))));
  const sheet = sheetOf(rows, 1, groundOf(strip));
  download(`${stripStem(strip)}.png`, pngOf(sheet, settingsOf(strip)), 'image/png');
}

/** Downloads the way from noise to image as an animation, every row in each frame. */
export function saveAnimation(strip: Strip, kind: AnimationKind, encoder: AnimationEncoder): void {
  const { plan, columns, pictures } = strip;
  const scene = {
    columns: columns.map((_t, c) => plan.rows.map((_row, r) => pictures.get(keyOf(r, c)) ?? null)),
    ground: groundOf(strip),
  };
  encoder.begin({ kind, scene, settings: ascii(settingsOf(strip)) }, (bytes) =>
    download(`${stripStem(strip)}.${kind}`, bytes, `image/${kind}`),
  );
}
