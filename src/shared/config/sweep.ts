import { AppError } from '../errors';
import { RunConfigSchema } from './run-config';
import type { RunConfig } from './run-config';
import { assignSetting, configProblem, settingName, SettingValueSchema, valueOf } from './settings';
import type { Setting, SettingValue } from './settings';

/** Runs of one sweep at most: a forgotten factor is told before anything trains for a week. */
export const MAX_SWEEP = 256;

/** One setting and the values that it takes in turn. */
export interface Axis {
  name: string;
  values: SettingValue[];
}

export interface SweepRun {
  config: RunConfig;
  /** The values of the axes in this run. */
  differs: Setting[];
}

export interface Sweep {
  runs: SweepRun[];
  /** Combinations that no run can have, and why. */
  impossible: { differs: Setting[]; problem: string }[];
}

/**
 * `lr=1e-3,3e-4`; whole numbers `seed=1..3`; n values evenly `beta=0..2:5`, or on a log scale
 * `lr=1e-4..1e-2:5log`, both ends included.
 * @throws AppError bad_config
 */
export function parseAxis(text: string): Axis {
  const at = text.indexOf('=');
  if (at < 1)
    throw wrong(`A sweep is NAME=VALUE,VALUE,…, not "${text}"`, 'For example: lr=1e-3,3e-4');
  const name = settingName(text.slice(0, at).trim());
  const values = pieces(text.slice(at + 1)).flatMap((piece) => valuesOf(name, piece));
  const repeated = values.find((value, i) =>
    values.slice(0, i).some((other) => same(other, value)),
  );
  if (repeated !== undefined)
    throw wrong(`The sweep of ${name} has ${JSON.stringify(repeated)} twice`, 'Name it once.');
  return { name, values };
}

/** Split at the commas that no bracket or quotation mark holds. */
function pieces(text: string): string[] {
  const found: string[] = [''];
  let depth = 0;
  let quoted = false;
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    if (!quoted && char === '[') depth += 1;
    if (!quoted && char === ']') depth -= 1;
    if (char === ',' && depth === 0 && !quoted) found.push('');
    else found[found.length - 1] += char;
  }
  return found.map((piece) => piece.trim());
}

const RANGE = /^([^.].*?|\..*?)\.\.(.+?)(?::(\d+)(log)?)?$/;

function valuesOf(name: string, piece: string): SettingValue[] {
  if (piece === '')
    throw wrong(`The sweep of ${name} lacks a value`, 'Write values between commas.');
  const range = RANGE.exec(piece);
  const [from, to] = [numberOf(range?.[1]), numberOf(range?.[2])];
  if (range && from !== null && to !== null)
    return rangeOf(name, piece, from, to, range[3], range[4] === 'log');
  const value = SettingValueSchema.safeParse(valueOf(piece));
  if (value.success) return [value.data];
  throw wrong(`${name} cannot be ${piece}`, 'Give a number, a word, true, false or a list.');
}

function numberOf(text: string | undefined): number | null {
  const number = text === undefined || text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

function rangeOf(
  name: string,
  text: string,
  from: number,
  to: number,
  points: string | undefined,
  log: boolean,
): number[] {
  if (from >= to) throw wrong(`${name}=${text} does not rise`, 'Write the smaller value first.');
  if (points === undefined && !(Number.isInteger(from) && Number.isInteger(to)))
    throw wrong(`${name}=${text} does not say how many values`, `For example: ${name}=${text}:5`);
  if (log && from <= 0)
    throw wrong(`${name}=${text} has no logarithm at ${from}`, 'Begin above 0.');
  const n = points === undefined ? to - from + 1 : Number(points);
  if (n < 2 || n > MAX_SWEEP)
    throw wrong(`${name}=${text} makes ${n} values`, `Choose 2 to ${MAX_SWEEP}.`);
  return Array.from({ length: n }, (_, i) => {
    if (i === 0) return from;
    if (i === n - 1) return to;
    const part = i / (n - 1);
    const value = log ? from * (to / from) ** part : from + (to - from) * part;
    // As a person would write it: what the tables show is what was trained with.
    return Number(value.toPrecision(6));
  });
}

/** How many runs the axes make, those that are impossible included. */
export function sweepSize(axes: readonly Axis[]): number {
  return axes.reduce((product, { values }) => product * values.length, 1);
}

/**
 * Every combination of the axes' values, the last axis changing fastest.
 * @throws AppError bad_config where a setting is unknown or named twice, or for too many runs
 */
export function expandSweep(base: RunConfig, axes: readonly Axis[]): Sweep {
  const names = axes.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw wrong(`${twice} is swept twice`, 'Put all its values into one.');
  const size = sweepSize(axes);
  if (size === 0) throw wrong('A setting has no values', 'Give it one or more.');
  if (size > MAX_SWEEP)
    throw wrong(`The sweep makes ${size} runs`, `At most ${MAX_SWEEP}: leave some values out.`);
  let settings: Setting[][] = [[]];
  for (const { name, values } of axes) {
    settings = settings.flatMap((before) => values.map((value) => [...before, { name, value }]));
  }
  const sweep: Sweep = { runs: [], impossible: [] };
  for (const differs of settings) {
    const config = JSON.parse(JSON.stringify(base)) as RunConfig;
    for (const { name, value } of differs) {
      if (!assignSetting(config, name, value))
        throw wrong(`There is no setting "${name}"`, 'See: protodiff train --help');
    }
    const problem = configProblem(config);
    if (problem === null) sweep.runs.push({ config: RunConfigSchema.parse(config), differs });
    else sweep.impossible.push({ differs, problem });
  }
  return sweep;
}

const same = (a: SettingValue, b: SettingValue): boolean => JSON.stringify(a) === JSON.stringify(b);

function wrong(message: string, remedy: string): AppError {
  return new AppError('bad_config', `${message}.`, { remedy });
}
