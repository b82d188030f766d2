import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunConfig } from '@shared/config/run-config';
import { loadBackend } from '../src/engine/backend';
import { openFresh } from '../src/engine/run/open';
import type { OpenRun } from '../src/engine/run/open';
import { go } from '../src/engine/run/testing';
import { openStore } from '../src/store';
import { CONFIGS } from './lib/configs';
import { spread } from './lib/spread';
import { randomImages } from './lib/trainer';

/**
 * What previews, snapshots of the prototypes, validation and checkpoints cost: whole runs with a
 * configuration's own intervals and with none of them, by turns in one process. `share` is the time
 * between the steps, more than without them, of all the time; what the steps themselves lose beside
 * them is in `clock_share` too, which a machine's drift between the runs of a pair drowns. What the
 * network calls and the writing of each take is told in ms a step.
 */
const { values: flags } = parseArgs({
  options: {
    config: { type: 'string', default: 'app' },
    /** What comes every hundred steps comes as often in two hundred as it does on average. */
    steps: { type: 'string', default: '200' },
    pairs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
/** All has been done once by then: TensorFlow makes each part of a graph ready at its first call. */
const WARM_UP = 150;
const BOUND = 0.05;
const steps = WARM_UP + Number(flags.steps);
const base = CONFIGS[flags.config];
if (base === undefined) throw new Error(`--config is one of ${Object.keys(CONFIGS).join(', ')}`);
const own: RunConfig = { ...base, training: { ...base.training, steps } };
const bare: RunConfig = {
  ...own,
  knobs: { ...own.knobs, sample_every: 2 * steps },
  training: {
    ...own.training,
    ...{ checkpoint_every: 2 * steps, probe_every: 0, validate_every: 0 },
  },
};

/** What each is made of: functions of the training program, and of the run's writer. */
const PARTS = {
  call: ['eps', 'errors', 'probe', 'snapshot_ema', 'snapshot_raw'],
  write: ['writeCheckpoint', 'writeSamples', 'writePrototypes', 'writeSwaps', 'appendMetrics'],
} as const;

/** Adds up the seconds that a run spends in each part, and in its steps, after its warm-up. */
function timeParts({ trainer, writer }: OpenRun): Record<string, number> {
  const seconds: Record<string, number> = {};
  const timed = <T>(part: string, act: () => T): T => {
    const started = performance.now();
    const result = act();
    if (trainer.step < WARM_UP || trainer.step >= steps) return result;
    seconds[part] = (seconds[part] ?? 0) + (performance.now() - started) / 1000;
    return result;
  };
  const step = trainer.runStep.bind(trainer);
  trainer.runStep = () => timed('step', step);
  const { executable } = trainer;
  const call = executable.call.bind(executable);
  executable.call = (name, inputs) => timed(name, () => call(name, inputs));
  for (const name of PARTS.write) {
    const write = writer[name].bind(writer) as (...args: unknown[]) => unknown;
    Object.assign(writer, { [name]: (...args: unknown[]) => timed(name, () => write(...args)) });
  }
  return seconds;
}

async function main(): Promise<void> {
  const backend = await loadBackend();
  const workspace = mkdtempSync(join(tmpdir(), 'protodiff-extras-'));
  const store = openStore(workspace);
  const dataset = randomImages(own, 2000);
  const { name, fingerprint, count: images } = dataset;
  let parts: Record<string, number> = {};
  /** Seconds a step, from the wall clock of the first row after the warm-up to the last. */
  const secondsOf = async (config: RunConfig): Promise<{ all: number; between: number }> => {
    const writer = store.create({ config, versions: {}, data: { name, fingerprint, images } });
    const opened = openFresh(config, dataset, backend, writer);
    parts = timeParts(opened);
    await go(opened).ended;
    const { wall } = store.metrics(writer.run, 0, steps);
    const [first = NaN, last = NaN] = [wall[WARM_UP - 1], wall[steps - 1]];
    const all = (last - first) / 1000 / (steps - WARM_UP);
    return { all, between: all - (parts['step'] ?? NaN) / (steps - WARM_UP) };
  };
  try {
    const pairs: { without: number; with: number; share: number; clock: number }[] = [];
    for (let pair = 1; pair <= Number(flags.pairs); pair++) {
      const [a, b] = [await secondsOf(bare), await secondsOf(own)];
      const share = (b.between - a.between) / b.all;
      pairs.push({ without: a.all, with: b.all, share, clock: 1 - a.all / b.all });
      console.error(
        `pair ${pair}: ${(100 * share).toFixed(1)} %; a step in ${b.all.toFixed(4)} s, ${a.all.toFixed(4)} s without`,
      );
    }
    const report = {
      config: flags.config,
      steps: steps - WARM_UP,
      step_s: spread(pairs.map((pair) => pair.with)),
      bare_step_s: spread(pairs.map(({ without }) => without)),
      share: spread(pairs.map(({ share }) => share)),
      clock_share: spread(pairs.map(({ clock }) => clock)),
      parts_ms: Object.fromEntries(
        [...PARTS.call, ...PARTS.write].map((part) => [
          part,
          (1000 * (parts[part] ?? 0)) / (steps - WARM_UP),
        ]),
      ),
      bound: BOUND,
    };
    console.log(flags.json ? JSON.stringify(report) : report);
    if (report.share.median > BOUND) process.exitCode = 1;
  } finally {
    store.close();
    rmSync(workspace, { recursive: true, force: true });
  }
}
void main();
