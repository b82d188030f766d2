import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { JournalPlan } from '@shared/config/journal';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { openStore } from '../src/store';
import { checkpointSha256 } from '../src/store/checkpoints';
import { seeded } from '../src/store/testing/random';
import { SCHEMA_VERSION } from '../src/store/schema';
import { examine, leftovers, olden, versionOf } from './lib/crash-check';
import type { Promised } from './lib/crash-check';

/**
 * Kills a training engine with SIGKILL at random moments and looks at what it left, A1 of what must
 * survive. Each run lives through several kills; the one that reaches its end must have the bits of
 * one that was never killed. Exits 1 when anything acknowledged is not there as it was.
 */
const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    steps: { type: 'string', default: '120' },
  },
});
const KILLS = Number(flags.kills);
const SEED = Number(flags.seed);
/** What `examine` may take; the promise is of a small store on an idle machine. */
const OPEN_MS = 1000;
const random = seeded(SEED);
const root = mkdtempSync(join(tmpdir(), 'protodiff-crash-'));

const config: RunConfig = configFor('tiny', { kind: 'digits' });
config.training = { ...config.training, steps: Number(flags.steps), checkpoint_every: 7 };
config.knobs = { ...config.knobs, sample_every: 11 };
/** Changes that alter the training, at steps of their own, so that every life has the same ones. */
const plan: JournalPlan = [
  { at_step: 30, change: { lr: 5e-4 } },
  { at_step: 31, change: { tau: 0.7, ema_decay: 0.9 } },
  { at_step: 80, change: { lr: 2e-3 } },
];

/** What kills the engine that lives now; set when this process is asked to end before its time. */
let stopNow: (() => void) | undefined;
let cutBy = '';
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    cutBy = signal;
    stopNow?.();
  });
}

interface Life {
  /** Steps from which the run went on. */
  from: number;
  ended: boolean;
  /** Steps that were never delivered before. */
  fresh: number;
  /** Steps that were delivered, with their losses. */
  said: [step: number, loss: number][];
  /** Said before the engine had opened the run: killed while it started. */
  starting: boolean;
  /** What it said of a failure of its own. */
  failure: string;
}

/** Short moments that chance alone would miss, seen by the file that appears in a folder of the run. */
const MOMENTS = {
  checkpoint: { folder: 'checkpoints', file: /\.tmp$/ },
  sample: { folder: 'samples', file: /\.tmp$/ },
  /** The lock is taken, and the next thing is to bring an older schema up to date. */
  migration: { folder: '.', file: /^lock$/ },
};
type Moment = keyof typeof MOMENTS;

interface Kill {
  /** The time runs from the start of the process, the opening of the run, a new step, or a moment. */
  from: 'start' | 'run' | 'step' | Moment;
  /** How many steps that were never delivered before, where it runs from a step. */
  steps: number;
  after_ms: number;
}

/** One engine until it ends or is killed. */
function live(promised: Promised, acts: number, kill?: Kill): Promise<Life> {
  const job = {
    ...{ root, config, plan, act_every: acts },
    resources: join(__dirname, '../../../resources'),
    ...(promised.run === '' ? {} : { run: promised.run }),
  };
  const child = spawn(process.execPath, [join(__dirname, 'crash-child.cjs'), JSON.stringify(job)]);
  const life: Life = { from: 0, ended: false, said: [], fresh: 0, starting: true, failure: '' };
  let half = '';
  let dying = false;
  const reached = (moment: string): void => {
    if (dying || moment !== kill?.from) return;
    if (moment === 'step' && life.fresh < kill.steps) return;
    dying = true;
    setTimeout(() => child.kill('SIGKILL'), kill.after_ms);
  };
  const stopWatching =
    kill !== undefined && kill.from in MOMENTS
      ? watchFor(kill.from as Moment, promised, reached)
      : undefined;
  stopNow = () => child.kill('SIGKILL');
  reached('start');
  return new Promise((done) => {
    child.stderr.resume();
    child.stdout.on('data', (data: Buffer) => {
      // A line without its end was not said.
      const lines = (half + data.toString()).split('\n');
      half = lines.pop() ?? '';
      for (const line of lines) {
        const [kind = '', first = '', second = ''] = line.split(' ');
        if (kind === 'run') {
          promised.run = first;
          life.from = Number(second);
          life.starting = false;
        }
        if (kind === 'step') {
          if (!promised.losses.has(Number(first))) life.fresh += 1;
          promised.losses.set(Number(first), Number(second));
          life.said.push([Number(first), Number(second)]);
        }
        reached(kind);
        if (kind === 'checkpoint') promised.checkpoint = Number(first);
        if (kind === 'knob') promised.knob = Math.max(promised.knob, Number(first));
        if (kind === 'failed') life.failure = line;
        if (kind === 'done') life.ended = true;
      }
    });
    child.on('close', (code, signal) => {
      stopWatching?.();
      // An engine that ends otherwise was not killed by us: that counts as a failure of its own.
      if (!life.ended && signal !== 'SIGKILL') life.failure ||= `it ended by itself, code ${code}`;
      done(life);
    });
  });
}

/** Tells as soon as the file that marks a moment appears; its folder may come later than the run. */
function watchFor(moment: Moment, promised: Promised, reached: (what: string) => void): () => void {
  const { folder, file } = MOMENTS[moment];
  let stop: (() => void) | undefined;
  const begin = (): void => {
    const path = join(root, 'runs', promised.run, folder);
    if (stop !== undefined || promised.run === '' || !existsSync(path)) return;
    const watcher = watch(path, (_, name) => {
      if (name !== null && file.test(name)) reached(moment);
    });
    stop = () => watcher.close();
  };
  begin();
  const timer = setInterval(begin, 20);
  return () => {
    clearInterval(timer);
    stop?.();
  };
}

/** Whether the kill fell into the moment: its file is half-written, the schema still the old one. */
function within(moment: Moment, run: string): boolean {
  const path = join(root, 'runs', run);
  if (moment === 'migration') return versionOf(join(path, 'run.sqlite')) < SCHEMA_VERSION;
  const { folder, file } = MOMENTS[moment];
  return (
    existsSync(join(path, folder)) && readdirSync(join(path, folder)).some((f) => file.test(f))
  );
}

/** Two in ten while the engine starts or takes the run up, three in a short moment, else in training. */
function nextKill(known: boolean): Kill {
  const kinds: Kill['from'][] = ['start', 'run', 'checkpoint', 'sample', 'migration'];
  const from = kinds[random(10)] ?? 'step';
  if (from === 'migration' && !known) return nextKill(known);
  if (from in MOMENTS) return { from, steps: 0, after_ms: random(from === 'migration' ? 40 : 2) };
  const after_ms = random(from === 'start' ? 2000 : from === 'run' ? 900 : 60);
  return { from, steps: 1 + random(20), after_ms };
}

const nothing = (run = ''): Promised => ({ run, losses: new Map(), checkpoint: 0, knob: 0 });

/** The state that a run ended in, and the loss of each of its steps. */
function endOf(run: string): { sha256: string; losses: number[] } {
  const store = openStore(root, { readonly: true });
  const { tensors } = store.loadCheckpoint(run, config.training.steps);
  const { keys, step, values } = store.metrics(run, 0, 1e9);
  const loss = keys.indexOf('train/loss');
  const losses = [...step].map((_, row) => values[row * keys.length + loss] ?? NaN);
  store.close();
  return { sha256: checkpointSha256(tensors), losses };
}

/** A run that was made but never said its name is the newest one of the workspace. */
function nameUnsaid(promised: Promised, known: Set<string>): boolean {
  const store = openStore(root, { readonly: true });
  const unsaid = store.list().find(({ run }) => !known.has(run));
  store.close();
  if (promised.run === '' && unsaid !== undefined) promised.run = unsaid.run;
  return promised.run !== '';
}

function tellProgress(kills: number, ms: number): void {
  const each = ms / 1000 / kills;
  const left = (each * (KILLS - kills)) / 60;
  console.log(
    `      ${kills} of ${KILLS} kills, ${each.toFixed(1)} s each, about ${left.toFixed(0)} min left`,
  );
}

async function main(): Promise<number> {
  console.log(`test:crash: ${KILLS} kills, seed ${SEED}`);
  const straight = nothing();
  const whole = await live(straight, 10);
  if (cutBy !== '') throw new Error(`CUT SHORT by ${cutBy} before the first kill.`);
  if (!whole.ended) throw new Error(`the run that is not killed did not end: ${whole.failure}`);
  const expected = endOf(straight.run);
  const known = new Set([straight.run]);

  const sum = { lost: 0, corrupt: 0, gaps: 0, slow: 0, other: 0 };
  const opens: number[] = [];
  let acknowledged = 0;
  let finished = 0;
  let early = 0;
  let promised = nothing();
  console.log('kill  from  steps  acknowledged  open ms  state');
  const moments: Record<Moment, [aimed: number, hit: number]> = {
    ...{ checkpoint: [0, 0], sample: [0, 0], migration: [0, 0] },
  };
  const began = performance.now();
  let kill = 1;
  while (kill <= KILLS && cutBy === '') {
    const next = nextKill(promised.run !== '');
    if (next.from === 'migration') olden(join(root, 'runs', promised.run, 'run.sqlite'));
    const life = await live(promised, 3 + random(20), next);
    // Killed for that, not by the plan: it is not looked at.
    if (cutBy !== '') break;
    if (!life.ended && next.from in MOMENTS && promised.run !== '') {
      const counts = moments[next.from as Moment];
      counts[0] += 1;
      if (within(next.from as Moment, promised.run)) counts[1] += 1;
    }
    const problems: string[] = [];
    if (life.ended) {
      // Not a kill: the run was at its end before.
      const { sha256, losses } = endOf(promised.run);
      if (sha256 !== expected.sha256) problems.push('the run ended in other bits');
      if (losses.join() !== expected.losses.join()) problems.push('the run has other losses');
      finished += 1;
    } else if (life.failure !== '') problems.push(life.failure.slice(0, 500));
    if (life.ended || nameUnsaid(promised, known)) {
      for (const [step, loss] of life.said) {
        if (!Object.is(loss, expected.losses[step - 1])) problems.push(`step ${step}: other loss`);
      }
      const found = examine(root, promised);
      sum.other += problems.length;
      problems.push(...found.problems);
      sum.lost += found.lost;
      sum.corrupt += found.corrupt;
      sum.gaps += found.gaps;
      if (found.open_ms > OPEN_MS) sum.slow += 1;
      opens.push(found.open_ms);
      if (life.ended) {
        const left = leftovers(root, promised.run);
        if (left.length > 0) problems.push(`nobody's files: ${left.join(', ')}`);
        sum.other += left.length;
      }
      const row = [kill, life.from, found.steps, life.fresh, found.open_ms.toFixed(0)];
      const widths = [4, 4, 5, 12, 7];
      const state = life.ended
        ? 'ended'
        : life.starting
          ? 'killed, starting'
          : next.from in MOMENTS
            ? `killed, ${next.from}`
            : 'killed';
      console.log(
        `${row.map((cell, i) => String(cell).padStart(widths[i] ?? 0)).join('  ')}  ${state}`,
      );
    } else sum.other += problems.length;
    for (const problem of problems.slice(0, 5)) console.log(`      ${problem}`);
    acknowledged += life.fresh;
    if (life.starting) early += 1;
    if (!life.ended) {
      if (kill % 10 === 0) tellProgress(kill, performance.now() - began);
      kill += 1;
    } else {
      known.add(promised.run);
      promised = nothing();
    }
  }
  opens.sort((a, b) => a - b);
  const bad = Object.values(sum).reduce((a, b) => a + b, 0);
  const slowest = (opens.at(-1) ?? 0).toFixed(0);
  const median = (opens[opens.length >> 1] ?? 0).toFixed(0);
  for (const [moment, [aimed = 0, hit = 0]] of Object.entries(moments)) {
    console.log(`${moment}: ${aimed} kills aimed at it, ${hit} left it half-done`);
  }
  console.log(
    `\n${early} kills while the engine started; ${finished} killed runs reached their end, each compared with the bits and losses of one that was not killed.`,
  );
  const done = kill - 1;
  const verdict = bad > 0 ? 'FAIL' : done < KILLS ? 'CUT SHORT' : 'PASS';
  const kills = done < KILLS ? `${done} of ${KILLS} kills, then ${cutBy},` : `${KILLS} kills`;
  console.log(
    `${verdict}: ${kills} (seed ${SEED}), ${acknowledged} acknowledged steps, ${sum.lost} lost, ${sum.corrupt} corrupt, ${sum.gaps} gaps, ${sum.other} other; opens in ${median} ms (median), ${slowest} ms (slowest).`,
  );
  return verdict === 'PASS' ? 0 : 1;
}

main()
  .catch((error: unknown) => {
    console.error(error);
    return 1;
  })
  .then((code) => {
    rmSync(root, { recursive: true, force: true });
    process.exitCode = code;
  });
