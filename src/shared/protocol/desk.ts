import { z } from 'zod';

/**
 * What the desktop's window asks of the host besides the engine: a few narrow acts. A served
 * window has its browser for them.
 */
export const DeskAskSchema = z.discriminatedUnion('desk', [
  /** How training fares: keeps the machine from sleeping, and shows progress on the taskbar. */
  z.strictObject({
    desk: z.literal('training'),
    active: z.boolean(),
    /** Share of the steps that are done, 0 to 1; null where nothing trains. */
    progress: z.number().min(0).max(1).nullable(),
  }),
  /** A system notification; a click on it brings the window to the front. */
  z.strictObject({
    desk: z.literal('notify'),
    title: z.string().max(200),
    body: z.string().max(1000),
  }),
  /** The system's own dialog; answered by a DeskAnswer with the same id. */
  z.strictObject({
    desk: z.literal('choose-folder'),
    id: z.number().int().nonnegative(),
  }),
]);
export type DeskAsk = z.infer<typeof DeskAskSchema>;

export const DeskAnswerSchema = z.strictObject({
  id: z.number().int().nonnegative(),
  /** Absolute; null when the person chose none. */
  folder: z.string().nullable(),
});
export type DeskAnswer = z.infer<typeof DeskAnswerSchema>;
