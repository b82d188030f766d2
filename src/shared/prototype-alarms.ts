import type { NdArray } from './maths/ndarray';

/**
 * What is wrong with a bank of prototypes. The limits are starting points, not findings: see
 * what a healthy run of the same data shows.
 */
export interface Alarm {
  /** dead: hardly an image has it; twins: two or more are alike; collapse: few have all images. */
  kind: 'dead' | 'twins' | 'collapse';
  /** The numbers of the prototypes that it is about, in order; for `collapse` those that are in use. */
  prototypes: number[];
  /** dead: the largest of their shares; twins: their largest cosine; collapse: the perplexity. */
  value: number;
  /** What `value` is below (twins: above). */
  limit: number;
  suggestion: string;
}

/** A part of a snapshot of the prototypes. */
export interface BankState {
  /** [K] the numbers of the prototypes; 0 … K - 1 where it is left out */
  ids?: NdArray<Int32Array>;
  /** [K, D] */
  bank: NdArray<Float32Array>;
  /** [K] shares of the last assignments */
  usage: NdArray<Float32Array>;
  /** How many assignments that is. */
  assignments: number;
  perplexity: number | null;
}

export const TWIN_COSINE = 0.95;
/** Assignments that `usage` tells of at most. */
export const USAGE_WINDOW = 1000;

/** Share of the assignments below which one of K prototypes is dead. */
export function deadLimit(k: number): number {
  return 1 / (10 * k);
}

/** Shares say something from so many assignments on: chance alone leaves no prototype under the limit. */
export function enoughAssignments(k: number): number {
  return Math.min(USAGE_WINDOW, 20 * k);
}

/** Rows of prototypes that hardly an image has; none while too few assignments have been seen. */
export function deadPrototypes({
  usage,
  assignments,
}: Pick<BankState, 'usage' | 'assignments'>): number[] {
  const k = usage.data.length;
  if (assignments < enoughAssignments(k)) return [];
  return [...usage.data.keys()].filter((i) => (usage.data[i] ?? 0) < deadLimit(k));
}

/** The worst first. */
export function prototypeAlarms(state: BankState): Alarm[] {
  const numbered = ({ prototypes, ...rest }: Alarm): Alarm => ({
    ...rest,
    prototypes: prototypes.map((row) => state.ids?.data[row] ?? row),
  });
  return [...collapse(state), ...dead(state), ...twins(state)].map(numbered);
}

function collapse(state: BankState): Alarm[] {
  const { usage, assignments, perplexity } = state;
  const k = usage.data.length;
  const limit = k / 2;
  if (perplexity === null || perplexity >= limit || assignments < enoughAssignments(k)) return [];
  return [
    {
      kind: 'collapse',
      prototypes: [...usage.data.keys()].filter((i) => (usage.data[i] ?? 0) >= deadLimit(k)),
      value: perplexity,
      limit,
      suggestion:
        'Raise β to push the prototypes apart, or start a run with balanced assignment, which gives each prototype its share of every batch.',
    },
  ];
}

function dead(state: BankState): Alarm[] {
  const prototypes = deadPrototypes(state);
  if (prototypes.length === 0) return [];
  const { usage } = state;
  const k = usage.data.length;
  return [
    {
      kind: 'dead',
      prototypes,
      value: Math.max(...prototypes.map((i) => usage.data[i] ?? 0)),
      limit: deadLimit(k),
      suggestion: `Nothing revives a dead prototype by itself: revive it from a far image, or start a run with balanced assignment, or with K = ${Math.max(1, k - prototypes.length)}.`,
    },
  ];
}

/** Groups of prototypes that are linked by cosines above the limit. */
function twins({ bank }: BankState): Alarm[] {
  const [k = 0, dim = 0] = bank.shape;
  const row = (i: number): Float32Array => bank.data.subarray(i * dim, (i + 1) * dim);
  const norms = Array.from({ length: k }, (_, i) => Math.sqrt(dot(row(i), row(i))));
  const groups = new Map<number, { prototypes: number[]; value: number }>();
  for (let i = 0; i < k; i++) {
    for (let j = i + 1; j < k; j++) {
      const cosine = dot(row(i), row(j)) / ((norms[i] ?? 0) * (norms[j] ?? 0));
      if (!(cosine > TWIN_COSINE)) continue;
      const parts = [i, j].map((each) => groups.get(each) ?? { prototypes: [each], value: cosine });
      const prototypes = [...new Set(parts.flatMap((part) => part.prototypes))];
      const value = Math.max(cosine, ...parts.map((part) => part.value));
      const group = { prototypes: prototypes.sort((a, b) => a - b), value };
      for (const each of prototypes) groups.set(each, group);
    }
  }
  return [...new Set(groups.values())].map((group) => ({
    kind: 'twins',
    ...group,
    limit: TWIN_COSINE,
    suggestion: 'They say the same: merge them, raise β, or start a run with fewer prototypes.',
  }));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
