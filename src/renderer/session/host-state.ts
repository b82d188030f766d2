import { z } from 'zod';

/** What the host says of the engine process, beside the protocol. */
export const HostStateSchema = z.object({
  state: z.enum(['starting', 'ready', 'crashed', 'gave_up', 'not_responding']),
  detail: z.string(),
  /** Unix ms. */
  at: z.number(),
});
export type HostState = z.infer<typeof HostStateSchema>;
