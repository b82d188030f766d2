import { z } from 'zod';
import { SheetPlanSchema, TrajectoryPlanSchema } from '../config/sampling-rows';
import { array, progress, RunId, step } from './contract-basics';

/** Column `t` of the finished image, which lies after the last timestep, 0. */
export const FINISHED = -1;

const Images = array<Uint8Array>(); // [n, H, W, C] u8, row-major

const TrajectoryFrame = z.object({
  row: z.number().int().nonnegative(),
  column: z.number().int().nonnegative(),
  /** Timestep of x_t; FINISHED for the image. */
  t: z.number().int().min(FINISHED),
  /** Root mean square of the predicted x_0 less that of the first row; x_0 spans 2. */
  apart: z.number(),
});
export type TrajectoryFrame = z.infer<typeof TrajectoryFrame>;

/**
 * Work that lives as long as its subscription: it begins with the first event and is given up
 * when the window unsubscribes. A reconnection makes it anew.
 */
export const trajectorySubscriptions = {
  /** Frames as they come. Planes are in the frames' order; the finished image has eps 0. */
  trajectory: {
    delivery: 'lossless',
    input: TrajectoryPlanSchema.extend({ run: RunId }),
    event: z.object({
      ...progress,
      /** Timestep of each column, noise first; the last one is FINISHED. */
      columns: z.array(z.number().int()),
      /** Training step of each row's weights; empty until the work begins. */
      weights_steps: z.array(step),
      frames: z.array(TrajectoryFrame),
      x_t: Images, // ±1 as 0 … 255, clipped
      x_0: Images, // ±1 as 0 … 255, clipped
      eps: Images, // ±3 as 0 … 255, clipped
    }),
  },
  /** Finished images as they come; `cells` are [column, row] in the images' order. */
  sheet: {
    delivery: 'lossless',
    input: SheetPlanSchema.extend({
      run: RunId,
      /** Learned by heart? Each image then comes with the training image nearest to it. */
      nearest: z.boolean().optional(),
    }),
    event: z.object({
      ...progress,
      /** Training step of the weights; null until the work begins. */
      weights_step: step.nullable(),
      cells: z.array(z.tuple([z.number().int(), z.number().int()])),
      images: Images,
      /**
       * In the images' order, where `nearest` was asked; of length 0 else. A training image counts
       * mirrored too where training mirrors.
       */
      nearest_index: array<Int32Array>(), // [n] positions in the data set
      /** [n] root mean square over the pixel values, of which black to white spans 1. */
      nearest_distance: array<Float32Array>(),
      nearest_images: Images, // as they are in the data set
      /**
       * How far a training image usually is from its nearest other one: the median of 64, in the
       * same unit. Images that are much nearer than that are copies. Null until the last events.
       */
      usual_distance: z.number().nullable(),
    }),
  },
} as const;
