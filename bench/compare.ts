import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { env, execArgv } from '../src/host/engine-process.json';
import { spread } from './lib/spread';

/**
 * Ours and the PyTorch peer in turn, A B A B, each a process of its own; prints the ratio of the
 * medians of every pair. The peer is a script that prints one JSON line with the same fields;
 * --bf16, --channels-last and --compile are its flags, --precision and --forward are ours.
 */
const { values: flags } = parseArgs({
  options: {
    peer: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    config: { type: 'string', default: 'quick' },
    batch: { type: 'string', default: '32' },
    steps: { type: 'string', default: '10' },
    precision: { type: 'string', default: 'f32' },
    forward: { type: 'string', default: 'f32' },
    pairs: { type: 'string', default: '5' },
    bf16: { type: 'boolean', default: false },
    'channels-last': { type: 'boolean', default: false },
    compile: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
if (flags.peer === undefined) {
  throw new Error('--peer names the PyTorch script to compare with (it needs torch and diffusers)');
}
const Line = z.object({
  train_step_s: z.object({ median: z.number() }),
  forward_s: z.object({ median: z.number() }),
  peak_rss_mb: z.number(),
});

function measure(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): z.infer<typeof Line> {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', env });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr.slice(-2000)}`);
  return Line.parse(JSON.parse(last));
}

const common = ['--config', flags.config, '--batch', flags.batch, '--steps', flags.steps];
const own = ['--precision', flags.precision, '--forward', flags.forward, '--json'];
const peerFlags = (['bf16', 'channels-last', 'compile'] as const)
  .filter((name) => flags[name])
  .map((name) => `--${name}`);
const ratios: Record<'train' | 'forward' | 'memory', number[]> = {
  train: [],
  forward: [],
  memory: [],
};
for (let pair = 1; pair <= Number(flags.pairs); pair++) {
  const train = [...execArgv, join(__dirname, 'train.cjs'), ...common, ...own];
  const ours = measure(process.execPath, train, { ...env, ...process.env });
  const peer = measure(flags.python, [flags.peer, ...common, ...peerFlags]);
  ratios.train.push(ours.train_step_s.median / peer.train_step_s.median);
  ratios.forward.push(ours.forward_s.median / peer.forward_s.median);
  ratios.memory.push(ours.peak_rss_mb / peer.peak_rss_mb);
  console.error(
    `pair ${pair}: step ${ours.train_step_s.median} s against ${peer.train_step_s.median} s, ` +
      `forward ${ours.forward_s.median} s against ${peer.forward_s.median} s`,
  );
}
const result = {
  config: flags.config,
  batch: Number(flags.batch),
  pairs: ratios.train.length,
  precision: flags.precision,
  forward: flags.forward,
  peer_flags: peerFlags,
  train_ratio: spread(ratios.train),
  forward_ratio: spread(ratios.forward),
  memory_ratio: spread(ratios.memory),
};
console.log(flags.json ? JSON.stringify(result) : result);
