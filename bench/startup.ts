import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { RunConfig } from '@shared/config/run-config';
import { z } from 'zod';
import { loadBackend } from '../src/engine/backend';
import { CONFIGS } from './lib/configs';
import { spread } from './lib/spread';
import { openTrainer } from './lib/trainer';

/**
 * Milliseconds from the start of a process until its backend is loaded, its program ready (traced
 * and loaded as a graph), and its first and second step done; the first also optimises the graph.
 * Each run is a process of its own.
 */
const { values: flags } = parseArgs({
  options: {
    config: { type: 'string', default: 'app' },
    runs: { type: 'string', default: '3' },
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const config: RunConfig | undefined = CONFIGS[flags.config];
if (config === undefined) throw new Error(`--config is one of ${Object.keys(CONFIGS).join(', ')}`);

const MOMENTS = ['backend', 'ready', 'first_step', 'second_step'] as const;
const Line = z.object({
  kind: z.string(),
  ms: z.object(
    Object.fromEntries(MOMENTS.map((moment) => [moment, z.number()])) as Record<
      (typeof MOMENTS)[number],
      z.ZodNumber
    >,
  ),
});

/** One start, in this process. */
async function start(config: RunConfig): Promise<z.infer<typeof Line>> {
  const backend = await loadBackend();
  const loaded = performance.now(); // counts from the start of the process
  const { trainer, executable } = openTrainer(config, backend);
  const ready = performance.now();
  trainer.runStep();
  const first = performance.now();
  trainer.runStep();
  return {
    kind: executable.kind,
    ms: { backend: loaded, ready, first_step: first, second_step: performance.now() },
  };
}

function startApart(): z.infer<typeof Line> {
  const args = [process.argv[1] ?? '', '--once', '--config', flags.config];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`a start failed:\n${stderr.slice(-2000)}`);
  return Line.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}

async function main(config: RunConfig): Promise<void> {
  if (flags.once) {
    console.log(JSON.stringify(await start(config)));
    return;
  }
  const runs = Array.from({ length: Number(flags.runs) }, startApart);
  const report = {
    config: flags.config,
    kind: runs[0]?.kind,
    runs: runs.length,
    ms: Object.fromEntries(
      MOMENTS.map((moment) => [
        moment,
        spread(
          runs.map(({ ms }) => ms[moment]),
          0,
        ),
      ]),
    ),
  };
  console.log(flags.json ? JSON.stringify(report) : report);
}
void main(config);
