import { resolve } from 'node:path';
import { SamplingConfigSchema } from '@shared/config/run-config';
import type { SamplingConfig } from '@shared/config/run-config';
import { SamplerNameSchema } from '@shared/config/sampling-rows';
import type { SamplerName } from '@shared/config/sampling-rows';
import { AppError } from '@shared/errors';
import { encodeSheet } from '../store/sample-sheet';
import { EXIT } from './call';
import type { Call } from './call';
import { findRun, withEngine } from './open-engine';
import { writeWhole } from './write-file';

export async function sample(call: Call): Promise<number> {
  const wanted = {
    count: call.count('count', 1),
    steps: call.count('steps', 1),
    seed: call.count('seed'),
  };
  const given = {
    ...Object.fromEntries(Object.entries(wanted).filter(([, n]) => n !== undefined)),
    ...samplerOf(call.text('sampler')),
    ...optionsOf(call),
  };
  return withEngine(call, async (engine) => {
    const { runs } = await engine.request('runs.list', {}, new AbortController().signal);
    const { run } = findRun(runs, call.operands[0] ?? '');
    const samples = await engine.sample(run, given);
    const { step, count, seconds, seed } = samples.settings;
    const file = resolve(call.text('out') ?? `${run}-step${step}.png`);
    writeWhole(file, encodeSheet(samples), 'The pictures');
    const { stdout } = call.context;
    if (call.flag('json'))
      stdout.write(`${JSON.stringify({ run, step, count, seed, seconds, file })}\n`);
    else stdout.write(`${count} pictures of ${run} at step ${step}: ${file}\n`);
    return EXIT.ok;
  });
}

function samplerOf(name: string | undefined): { sampler?: SamplerName } {
  if (name === undefined) return {};
  const parsed = SamplerNameSchema.safeParse(name);
  if (parsed.success) return { sampler: parsed.data };
  throw new AppError('bad_config', `There is no sampler called ${name}.`, {
    remedy: `Choose one of ${SamplerNameSchema.options.join(', ')}.`,
  });
}

/** Options of a sampler that are given. @throws AppError bad_config */
function optionsOf(call: Call): Partial<SamplingConfig> {
  const given = (['guidance', 'eta', 'draw', 'prototype'] as const).flatMap((name) => {
    const text = call.text(name);
    if (text === undefined) return [];
    return [[name, name === 'draw' ? text : text.trim() === '' ? NaN : Number(text)] as const];
  });
  const { success, data, error } = SamplingConfigSchema.pick({
    ...{ guidance: true, eta: true, draw: true, prototype: true },
  })
    .partial()
    .safeParse(Object.fromEntries(given));
  if (success) {
    // A default of the schema is not what was asked for.
    return Object.fromEntries(given.map(([name]) => [name, data[name]]));
  }
  const [issue] = error.issues;
  throw new AppError('bad_config', `--${issue?.path.join('.')}: ${issue?.message}.`, {
    remedy: 'See: protodiff sample --help',
  });
}
