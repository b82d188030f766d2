import { z } from 'zod';
import { PRESETS } from './presets';
import { LATER } from './run-config';
import type { RunConfig } from './run-config';
import { SheetPlanSchema, TrajectoryPlanSchema } from './sampling-rows';

/** The cells of a notebook as they stand in its file. What is known of a kind is in cell-kinds.ts. */
const id = z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'not a cell id');

// A notebook may hold settings that are still being edited and not yet allowed: the run's own
// schema judges them when a run starts. Here every setting must be there, and of the right type.
const draft = <K extends 'data' | 'model' | 'diffusion' | 'training' | 'knobs' | 'sampling'>(
  key: K,
): z.ZodType<RunConfig[K]> =>
  z.preprocess(
    (value) => (typeof value === 'object' && value !== null ? { ...LATER[key], ...value } : value),
    z.custom<RunConfig[K]>().superRefine((value, context) => {
      const gap = missingFrom(value, PRESETS.quick[key], key);
      if (gap !== undefined) context.addIssue({ code: 'custom', message: gap });
    }),
  );

/** The first setting of `like` that `value` lacks or holds with another type, in words. */
function missingFrom(value: unknown, like: unknown, path: string): string | undefined {
  if (value === undefined) return `${path} is missing`;
  if (typeof value !== typeof like || Array.isArray(value) !== Array.isArray(like)) {
    return `${path} has the wrong type`;
  }
  if (typeof like !== 'object' || like === null || Array.isArray(like)) return undefined;
  if (value === null) return `${path} is null`;
  for (const [key, part] of Object.entries(like)) {
    const gap = missingFrom((value as Record<string, unknown>)[key], part, `${path}.${key}`);
    if (gap !== undefined) return gap;
  }
  return undefined;
}

// Folded is an author's choice, like a short paragraph: it travels with the file to any host and
// profile. It is written only where it is true, so that a plain notebook has no line about it.
const head = { id, folded: z.literal(true).optional() };

const Note = z.strictObject({
  ...head,
  kind: z.literal('note'),
  text: z.string().max(100_000),
});
const Data = z.strictObject({ ...head, kind: z.literal('data'), data: draft('data') });
const Model = z.strictObject({
  ...head,
  kind: z.literal('model'),
  data: id,
  model: draft('model'),
  diffusion: draft('diffusion'),
});
const Train = z.strictObject({
  ...head,
  kind: z.literal('train'),
  model: id,
  preset: z.string().min(1),
  seed: z.number(),
  training: draft('training'),
  knobs: draft('knobs'),
  sampling: draft('sampling'),
  /** The run that was last started from this cell. */
  run: z.string().nullable(),
});
/** `active`: seconds of training; `elapsed`: with the pauses; `wall`: the time of day. */
export const X_AXES = ['step', 'images', 'epoch', 'active', 'elapsed', 'wall'] as const;
export type XAxis = (typeof X_AXES)[number];
const Curves = z.strictObject({
  ...head,
  kind: z.literal('curves'),
  train: id,
  /** Weight of the debiased average, as TensorBoard's. */
  smoothing: z.number().min(0).max(0.999),
  x: z.enum(X_AXES),
  log_x: z.boolean(),
  log_y: z.boolean(),
  /** Panels that are shown, once they were chosen. */
  panels: z.array(z.string().max(40)).max(100).optional(),
  /** Runs drawn beside the train cell's own. */
  runs: z.array(z.string().max(120)).max(20).optional(),
});
const Samples = z.strictObject({
  ...head,
  kind: z.literal('samples'),
  train: id,
  /** Of the contact sheet, once it was changed; the run's own settings till then. */
  sheet: SheetPlanSchema.optional(),
});

export const PROJECTIONS = ['spread', 'pca', 'umap'] as const;
export const MARK_COLOURS = ['assignment', 'class'] as const;
const Prototypes = z.strictObject({
  ...head,
  kind: z.literal('prototypes'),
  train: id,
  projection: z.enum(PROJECTIONS),
  /** The way that each prototype has come. */
  trails: z.boolean(),
  /** The features of the probe images. */
  features: z.boolean(),
  /** What the features' marks are coloured and shaped by. */
  colour: z.enum(MARK_COLOURS),
});

export const TRAJECTORY_VIEWS = ['x_t', 'x_0', 'eps', 'difference'] as const;
export type TrajectoryView = (typeof TRAJECTORY_VIEWS)[number];
const Trajectories = z.strictObject({
  ...head,
  kind: z.literal('trajectories'),
  train: id,
  plan: TrajectoryPlanSchema,
  view: z.enum(TRAJECTORY_VIEWS),
});

/** Runs side by side; they need not be of this notebook. */
const Compare = z.strictObject({
  ...head,
  kind: z.literal('compare'),
  runs: z.array(z.string().max(120)).max(20),
});

export const CellSchema = z.discriminatedUnion('kind', [
  Note,
  Data,
  Model,
  Train,
  Curves,
  Prototypes,
  Trajectories,
  Samples,
  Compare,
]);
export type Cell = z.infer<typeof CellSchema>;
export type CellKind = Cell['kind'];
export type CellOf<K extends CellKind> = Extract<Cell, { kind: K }>;
