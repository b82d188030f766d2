import { lrFactor } from '../training/optimiser';
import { ABSENT, absentRow, TOLERANCE, vectorRow } from './compare';
import type { Row } from './compare';
import { chainOf } from './state';
import type { Subject } from './state';

/** The chains' tables, and the learning rates of a schedule with warm-up and cosine. */
export function scheduleRows({ pack, schedule }: Subject): Row[] {
  const stored = pack.tensors('schedule') ?? {};
  const short = pack.config.ddpm_full && chainOf(pack.config.ddpm_full);
  const chains = { '': schedule, 'ddpm_full.': short };
  const tables = Object.entries(chains).flatMap(([prefix, chain]) =>
    (['betas', 'alphas_cumprod'] as const).map((name) =>
      chain
        ? vectorRow(prefix + name, chain[name], stored[prefix + name]?.data, TOLERANCE.schedule)
        : absentRow(prefix + name, ABSENT, TOLERANCE.schedule),
    ),
  );
  const rates = Object.entries(pack.step?.lr_schedule ?? {}).map(([name, table]) => {
    const { base_lr, warmup_steps, training_steps, step, lr } = table;
    const ours = step.map((at) => base_lr * lrFactor('cosine', at, warmup_steps, training_steps));
    return vectorRow(`lr_schedule.${name}`, ours, lr, TOLERANCE.rate);
  });
  return [...tables, ...(rates.length > 0 ? rates : [absentRow('lr_schedule', ABSENT)])];
}
