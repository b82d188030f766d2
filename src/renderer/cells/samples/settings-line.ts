import type { SampleSettings } from '@shared/protocol/contract';
import { count } from '../../components/format';

/** `step 600, DDIM 25 steps, EMA weights, seed 42`. */
export function settingsLine(settings: SampleSettings): string {
  const parts = [
    `step ${count(settings.step)}`,
    `${settings.sampler.toUpperCase()} ${settings.steps} steps`,
    settings.weights === 'ema' ? 'EMA weights' : 'raw weights',
    settings.draw === 'per_image' ? 'a prototype per image' : 'a prototype per step',
    `seed ${settings.seed}`,
  ];
  if (settings.eta > 0) parts.splice(2, 0, `η ${settings.eta}`);
  if (settings.guidance !== 1) parts.splice(-1, 0, `guidance ${settings.guidance}`);
  return parts.join(', ');
}
