import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { RunConfig } from '@shared/config/run-config';
import { loadBackend } from '../src/engine/backend';
import { collect } from '../src/engine/backend/collect';
import { checkpointTensors } from '../src/engine/training/checkpoint';
import { preview } from '../src/engine/training/preview';
import { CONFIGS } from './lib/configs';
import { openTrainer } from './lib/trainer';

/**
 * Trains for many steps, with a picture and a checkpoint's tensors now and then, and says whether
 * memory grows: the slope of resident memory after a warm-up, tensors and sessions at begin and end.
 * Exit code 1 when any is out of its bounds.
 */
const { values: flags } = parseArgs({
  options: {
    config: { type: 'string', default: 'app' },
    steps: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});
const config: RunConfig | undefined = CONFIGS[flags.config];
if (config === undefined) throw new Error(`--config is one of ${Object.keys(CONFIGS).join(', ')}`);
const steps = Number(flags.steps);

/** MB in a thousand steps. */
const MOST_SLOPE = 2;
const SAMPLE_EVERY = 10;
const PICTURE_EVERY = 100;
/**
 * Steps that are not counted, and pictures in them as in 2,000 others: V8's and the allocators' pools have
 * then grown to what steps and pictures need at once. How much that is goes by the order in which
 * TensorFlow's threads come to the operations. Beside other work all orders come up soon; an idle
 * machine would come to the rare ones now and then, for thousands of steps.
 */
const WARM_UP = { steps: 500, picture_every: 25 };
/** V8 frees what it has found on a thread of its own. */
const SWEPT_MS = 50;

async function main(config: RunConfig): Promise<void> {
  const backend = await loadBackend();
  const { trainer, executable, geometry } = openTrainer(config, backend);
  const sampling = { ...config.sampling, steps: 2 };
  const picture = (): void => {
    executable.call('snapshot_ema', {});
    const run = preview(config, sampling, geometry, trainer.schedule, executable);
    while (!run.next().done);
    checkpointTensors(executable, geometry, trainer.step);
  };
  const counts = () => ({
    tensors: tf.memory().numTensors,
    native_tensors: backend.native?.getNumOfTFTensors() ?? null,
    sessions: backend.native?.getNumOfSavedModels() ?? null,
  });
  const others = otherWork();
  trainer.runStep();
  picture();
  const begin = counts();
  const samples: [number, number][] = [];
  while (trainer.step < WARM_UP.steps + steps) {
    const { step } = trainer.runStep();
    const warm = step > WARM_UP.steps;
    if (step === WARM_UP.steps) others.end();
    if (step % (warm ? PICTURE_EVERY : WARM_UP.picture_every) === 0) picture();
    else if (step % SAMPLE_EVERY === 0 && warm) {
      // A picture's arrays lie there until V8 finds them, 40 MB more or less: they are not held.
      collect();
      await sleep(SWEPT_MS);
      const mb = process.memoryUsage.rss() / 1e6;
      samples.push([step, mb]);
      if (step % PICTURE_EVERY === SAMPLE_EVERY) console.error(`step ${step}: ${mb.toFixed(1)} MB`);
    }
  }
  const end = counts();
  const rss = samples.map(([, mb]) => mb);
  const slope = slopeOf(samples) * 1000;
  const report = {
    config: flags.config,
    kind: executable.kind,
    steps,
    samples: samples.length,
    rss_mb: {
      ...{ first: round(rss[0]), last: round(rss.at(-1)) },
      ...{ least: round(Math.min(...rss)), most: round(Math.max(...rss)) },
    },
    slope_mb_per_1000_steps: round(slope),
    bound_mb_per_1000_steps: MOST_SLOPE,
    begin,
    end,
    ok: slope < MOST_SLOPE && JSON.stringify(begin) === JSON.stringify(end),
  };
  executable.dispose();
  console.log(flags.json ? JSON.stringify(report) : report);
  if (!report.ok) process.exitCode = 1;
}

const round = (value = NaN): number => Number(value.toFixed(2));

/** Keeps every core busy, in processes of its own, until it is ended or this process is gone. */
function otherWork(): { end(): void } {
  const script = `while (process.ppid === ${process.pid});`;
  const busy = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', script], { stdio: 'ignore' }),
  );
  return { end: () => busy.forEach((child) => child.kill()) };
}

/** Least squares, y by x. */
function slopeOf(points: [number, number][]): number {
  const mean = (of: (point: [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean(([step]) => step);
  const y = mean(([, rss]) => rss);
  return mean(([step, rss]) => (step - x) * (rss - y)) / mean(([step]) => (step - x) * (step - x));
}
void main(config);
