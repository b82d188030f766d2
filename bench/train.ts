import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { ndarray } from '@shared/maths/ndarray';
import type { RunConfig } from '@shared/config/run-config';
import { loadBackend } from '../src/engine/backend';
import type { Precision } from '../src/engine/backend/precision';
import { CONFIGS } from './lib/configs';
import { operationsOf } from './lib/operations';
import { spread } from './lib/spread';
import { openProgram, openTrainer } from './lib/trainer';

/** Times whole training steps and UNet forwards on random images; one JSON line, the peer's fields. */
const { values: flags } = parseArgs({
  options: {
    config: { type: 'string', default: 'quick' },
    batch: { type: 'string', default: '32' },
    steps: { type: 'string', default: '7' },
    warmup: { type: 'string', default: '2' },
    precision: { type: 'string', default: 'f32' },
    /** Of the forward that is timed; the application samples in float32 whatever it trains in. */
    forward: { type: 'string', default: 'f32' },
    eager: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const base = CONFIGS[flags.config];
if (base === undefined) throw new Error(`--config is one of ${Object.keys(CONFIGS).join(', ')}`);
const batch = Number(flags.batch);
const precision = precisionOf('precision');
const forwardPrecision = precisionOf('forward');
const config: RunConfig = {
  ...base,
  model: { ...base.model, precision },
  training: { ...base.training, batch_size: batch },
};
if (flags.eager) process.env['PROTODIFF_EAGER'] = '1';

function precisionOf(flag: 'precision' | 'forward'): Precision {
  const precision = flags[flag];
  if (precision !== 'f32' && precision !== 'bf16') throw new Error(`--${flag} is f32 or bf16`);
  return precision;
}

async function main(): Promise<void> {
  const backend = await loadBackend();
  const opened = { ...config, sampling: { ...config.sampling, count: 16 } };
  const opening = { forward: forwardPrecision };
  const began = performance.now();
  const { trainer, executable, geometry } = openTrainer(opened, backend, opening);
  const capture_s = (performance.now() - began) / 1000;
  const { image_size, channels } = config.data;
  const clock = (work: () => unknown): number[] => {
    const times: number[] = [];
    for (let i = -Number(flags.warmup); i < Number(flags.steps); i++) {
      const start = performance.now();
      work();
      if (i >= 0) times.push((performance.now() - start) / 1000);
    }
    return times;
  };
  let loss = 0;
  const busy = process.cpuUsage();
  const train = clock(() => (loss = trainer.runStep().metrics.total));
  const { user, system } = process.cpuUsage(busy);
  const cpu_s = (user + system) / 1e6 / (Number(flags.steps) + Number(flags.warmup));
  const { spec } = geometry;
  const f = (shape: number[]) =>
    ndarray(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.1), shape);
  const forward = clock(() =>
    executable.call('eps', {
      x_t: f([16, image_size, image_size, channels]),
      time_proj: f([16, spec.block_out_channels[0] ?? 0]),
      token_time: f([16, spec.dim]),
      signal: f([16, 1, 1, 1]),
      noise: f([16, 1, 1, 1]),
      shares: f([16, spec.k]),
    }),
  );
  // Counting the operations makes the program anew, which is no part of a training.
  const peak_rss_mb = Math.round(process.resourceUsage().maxRSS / 1024);
  const report = {
    impl: 'protodiff',
    backend: backend.info.name,
    tensorflow: backend.info.version,
    config: flags.config,
    batch,
    precision,
    kind: executable.kind,
    parameters: geometry.layout.total,
    capture_s: Number(capture_s.toFixed(2)),
    train_step_s: spread(train),
    train_cpu_s: Number(cpu_s.toFixed(4)),
    forward_batch: 16,
    forward_precision: forwardPrecision,
    forward_s: spread(forward),
    loss,
    operations:
      executable.kind === 'captured' && backend.native !== undefined
        ? operationsOf(openProgram(opened, opening).program, 'train_joint', backend.native)
        : null,
    peak_rss_mb,
    load: loadavg()[0],
  };
  console.log(flags.json ? JSON.stringify(report) : report);
}
void main();
