import { SAMPLER_TITLES, sharesOf } from '@shared/config/sampling-rows';
import type { Conditioning, TrajectoryRow } from '@shared/config/sampling-rows';
import { count } from '../../components/format';

/**
 * `prototype 3` or the name it was given, `70 % 1, 30 % 4`, `mean of 1 and 4`, `drawn at each step`.
 */
export function conditionWords(
  parts: Conditioning,
  nameOf: (prototype: number) => string = () => '',
): string {
  const [only, second] = parts;
  if (only === undefined) return 'drawn at each step';
  if (second === undefined) return nameOf(only.prototype) || `prototype ${only.prototype}`;
  if (parts.every(({ weight }) => weight === only.weight)) {
    const names = parts.map(({ prototype }) => prototype);
    return `mean of ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  }
  const shares = sharesOf(parts);
  return parts
    .map(({ prototype }, i) => `${Math.round(100 * (shares[i] ?? 0))} % ${prototype}`)
    .join(', ');
}

/** `brisk-heron` of `20260101-101010-brisk-heron`. */
export const runName = (run: string): string => run.replace(/^\d{8}-\d{6}-/, '');

/** What sets a row apart from the others besides its prototype. */
export function rowDetail(
  row: TrajectoryRow,
  rows: readonly TrajectoryRow[],
  weightsStep: number | undefined,
): string {
  const varies = (key: 'weights' | 'sampler' | 'checkpoint' | 'run' | 'guidance'): boolean =>
    rows.some((other) => other[key] !== row[key]);
  const parts: string[] = [];
  if (varies('run')) parts.push(row.run === null ? 'this run' : runName(row.run));
  if (varies('weights')) parts.push(row.weights === 'ema' ? 'EMA' : 'raw');
  if (varies('sampler')) parts.push(SAMPLER_TITLES[row.sampler]);
  if (varies('guidance')) parts.push(`w ${row.guidance}`);
  if (varies('checkpoint')) {
    const step = row.checkpoint ?? weightsStep;
    parts.push(step === undefined ? 'newest' : `step ${count(step)}`);
  }
  return parts.join(', ');
}

/** `at step 12,000, EMA weights, DDIM 50 steps, seed 42`, of what all rows share. */
export function planLine(
  plan: { rows: readonly TrajectoryRow[]; steps: number; seed: number; eta: number },
  weightsSteps: readonly number[],
): string {
  const shared = <T>(values: readonly T[]): T | undefined =>
    values.every((value) => value === values[0]) ? values[0] : undefined;
  const step = shared(weightsSteps);
  const weights = shared(plan.rows.map((row) => row.weights));
  const sampler = shared(plan.rows.map((row) => row.sampler));
  const guidance = shared(plan.rows.map((row) => row.guidance));
  return [
    step === undefined ? '' : `at step ${count(step)}`,
    weights === undefined ? '' : weights === 'ema' ? 'EMA weights' : 'raw weights',
    `${sampler === undefined ? '' : `${SAMPLER_TITLES[sampler]} `}${plan.steps} steps`,
    plan.eta > 0 ? `η ${plan.eta}` : '',
    guidance === undefined || guidance === 1 ? '' : `guidance ${guidance}`,
    `seed ${plan.seed}`,
  ]
    .filter(Boolean)
    .join(', ');
}
