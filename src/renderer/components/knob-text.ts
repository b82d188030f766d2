import { KNOBS } from '@shared/config/knobs';
import type { KnobName, KnobSpec } from '@shared/config/knobs';
import { count } from './format';
import { tickText } from '../plots/ticks';

const DECIMALS: Record<Exclude<KnobName, 'lr' | 'sample_every'>, number> = {
  weight_decay: 4,
  tau: 3,
  alpha: 3,
  beta: 3,
  ema_decay: 4,
  clip_grad_norm: 2,
};

/** A knob's value as its field shows it: 2.0e-4, 0.100, 5,000. */
export function knobText(name: KnobName, value: number): string {
  if (name === 'lr') return value.toExponential(1);
  if (name === 'sample_every') return count(value);
  const digits = DECIMALS[name];
  // A smaller number than the usual decimals can show is not drawn as 0.
  return value !== 0 && Math.abs(value) < 10 ** -digits
    ? value.toExponential(1)
    : value.toFixed(digits);
}

/** A bound of a knob's range: 1e-6, 0.01, 5,000. */
export function plainNumber(value: number): string {
  if (Math.abs(value) < 1000) return tickText(value);
  return Number.isInteger(value) ? count(value) : value.toLocaleString('en');
}

/** The number that a person typed, commas allowed; NaN when it is none. */
export function parseNumber(text: string): number {
  const bare = text.replace(/[,\s]/g, '');
  return bare === '' ? NaN : Number(bare);
}

/** The sign that marks a knob on curves and in the journal. */
export function knobSign(name: KnobName): string {
  return SIGNS[name];
}

const SIGNS: Record<KnobName, string> = {
  lr: 'lr',
  weight_decay: 'wd',
  tau: 'τ',
  alpha: 'α',
  beta: 'β',
  ema_decay: 'EMA',
  clip_grad_norm: 'clip',
  sample_every: 'n',
};

type Scale = 'linear' | 'log' | 'complement';

// An average's rate is told apart near 1: 0.99 and 0.999 differ as 0.01 and 0.001 do.
function scaleOf(name: KnobName): Scale {
  return name === 'ema_decay' ? 'complement' : KNOBS[name].scale;
}

/** Where a value lies on its slider, 0 to 1, clamped. */
export function toSlider(name: KnobName, value: number): number {
  const { min, max }: KnobSpec = KNOBS[name];
  const bounded = Math.min(max, Math.max(min, value));
  switch (scaleOf(name)) {
    case 'log':
      return Math.log(bounded / min) / Math.log(max / min);
    case 'complement':
      return Math.log((1 - bounded) / (1 - min)) / Math.log((1 - max) / (1 - min));
    case 'linear':
      return (bounded - min) / (max - min);
  }
}

/** The value at a slider's place, rounded to what the place can mean. */
export function fromSlider(name: KnobName, place: number): number {
  const spec: KnobSpec = KNOBS[name];
  const { min, max } = spec;
  const at = Math.min(1, Math.max(0, place));
  if (at === 0) return min;
  if (at === 1) return max;
  let value: number;
  switch (scaleOf(name)) {
    case 'log':
      value = Number((min * (max / min) ** at).toPrecision(2));
      break;
    case 'complement':
      value = Number(
        (1 - Number(((1 - min) * ((1 - max) / (1 - min)) ** at).toPrecision(2))).toFixed(6),
      );
      break;
    case 'linear':
      value = Number((min + (max - min) * at).toPrecision(2));
      break;
  }
  const bounded = Math.min(max, Math.max(min, value));
  return spec.integer ? Math.round(bounded) : bounded;
}

export function scaleWord(name: KnobName): string {
  return scaleOf(name) === 'linear' ? 'linear scale' : 'log scale';
}
