import type { HostState } from '@shared/protocol/host';
import { z } from 'zod';

/** Reads what the host says of the engine process, beside the protocol. */
export const HostStateSchema: z.ZodType<HostState> = z.object({
  state: z.enum(['starting', 'ready', 'crashed', 'gave_up', 'not_responding']),
  detail: z.string(),
  at: z.number(),
  log: z.array(z.string()).max(200).optional(),
});
