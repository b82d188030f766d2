import { imagesPerStep } from '@shared/config/run-config';
import { PROTOCOL_VERSION } from '@shared/protocol/contract';
import type { RunSummary } from '@shared/protocol/contract';
import { AppError } from '@shared/errors';
import type { Engine } from '../engine/engine';
import { EXIT, UsageError } from './call';
import type { Call, Terminal } from './call';
import { changed, configFrom, journalFrom, sourceFrom } from './config-from';
import { follow } from './follow';
import type { History } from './follow';
import { findRun, withEngine, workspaceOf } from './open-engine';
import { ProgressLine, duration } from './progress';

/** Steps that the two means of the JSON line are taken over. */
const FIRST = 10;
const LAST = 50;

const never = new AbortController().signal;

/** `train`: a run of its own configuration, from the first step. */
export async function train(call: Call): Promise<number> {
  // Before the engine loads, which takes seconds.
  const journal = journalFrom(call);
  const config = configFrom(call, journal);
  const plan = journal?.changes;
  return steps(call, async (engine) => ({
    run: (await engine.request('run.start', { config, plan }, never)).run,
    from: 0,
  }));
}

/** `resume RUN`: goes on from the newest checkpoint, as the run was configured. */
export async function resume(call: Call): Promise<number> {
  return steps(call, (engine) => proceed(engine, call.operands[0] ?? ''));
}

/** `branch RUN`: a child from a checkpoint, with other settings. */
export async function branch(call: Call): Promise<number> {
  const wanted = call.count('step');
  if (wanted === undefined) throw new UsageError('branch needs --step N.');
  return steps(call, async (engine) => {
    const { runs } = await engine.request('runs.list', {}, never);
    const { run: of, name } = findRun(runs, call.operands[0] ?? '');
    const { parent, config: before } = await engine.request(
      'run.branchpoint',
      { run: of, step: wanted },
      never,
    );
    const { step } = parent;
    const data = call.text('data');
    if (data !== undefined) before.data = { ...before.data, source: sourceFrom(data) };
    const config = changed(call, before, 'branch');
    const near = step === wanted ? '' : `, the nearest at or before ${wanted}`;
    tell(call).write(`Branching from ${name}, its checkpoint of step ${step}${near}.\n`);
    const { run } = await engine.request('run.branch', { run: of, step, config }, never);
    return { run, from: step };
  });
}

/** Where words for a person go: stdout, unless JSON goes there. */
export const tell = (call: Call): Terminal =>
  call.flag('json') ? call.context.stderr : call.context.stdout;

async function steps(
  call: Call,
  begin: (engine: Engine) => Promise<{ run: string; from: number }>,
): Promise<number> {
  return interruptible(call, async (engine, interrupt) => {
    return watch(call, engine, { ...(await begin(engine)), interrupt });
  });
}

/** Runs `work` over an engine, unless it was interrupted while that loaded. */
export async function interruptible(
  call: Call,
  work: (engine: Engine, interrupt: AbortSignal) => Promise<number>,
): Promise<number> {
  const interrupt = new AbortController();
  const stopListening = call.context.onInterrupt(() => interrupt.abort());
  try {
    return await withEngine(call, async (engine) =>
      interrupt.signal.aborted ? EXIT.interrupted : work(engine, interrupt.signal),
    );
  } finally {
    stopListening();
  }
}

async function proceed(engine: Engine, wanted: string): Promise<{ run: string; from: number }> {
  const { runs } = await engine.request('runs.list', {}, never);
  const { run } = findRun(runs, wanted);
  const { from_step } = await engine.request('run.continue', { run }, never);
  return { run, from: from_step };
}

async function watch(
  call: Call,
  engine: Engine,
  { run, from, interrupt }: { run: string; from: number; interrupt: AbortSignal },
): Promise<number> {
  const { stderr, stdout } = call.context;
  const line = new ProgressLine(tell(call));
  const stop = (): void => {
    line.end();
    tell(call).write('Stopping after this step, with a checkpoint.\n');
    engine.request('run.stop', { run }, never).catch((thrown: unknown) => {
      // It may have ended by itself at that very moment; follow() tells how.
      const { code, message } = AppError.from(thrown);
      if (code !== 'wrong_state') stderr.write(`${message}\n`);
    });
  };
  if (interrupt.aborted) stop();
  else interrupt.addEventListener('abort', stop, { once: true });
  const { summary, report } = await attend(call, engine, { run, from, line });
  if (call.flag('json')) stdout.write(`${JSON.stringify(report)}\n`);
  if (summary.state === 'stopped') {
    const where = `--workspace ${workspaceOf(call)}`;
    tell(call).write(`Continue it with: protodiff resume ${run} ${where}\n`);
  }
  if (summary.state === 'failed' || summary.state === 'lost') return EXIT.failed;
  return interrupt.aborted && summary.state === 'stopped' ? EXIT.interrupted : EXIT.ok;
}

/** Tells of a run until it has ended, and what came of it. */
export async function attend(
  call: Call,
  engine: Engine,
  { run, from, line }: { run: string; from: number; line: ProgressLine },
): Promise<{ summary: RunSummary; report: Report }> {
  const out = tell(call);
  const { backend } = await engine.request('hello', { protocol: PROTOCOL_VERSION }, never);
  const what = from === 0 ? 'training' : `continuing at step ${from}`;
  out.write(`${run}: ${what} on ${backend.name}.\n`);
  if (backend.why !== null) out.write(`${backend.why}\n`);
  const started = Date.now();
  const { summary, history } = await follow(engine, run, (progress) => line.show(progress));
  line.end();
  const seconds = (Date.now() - started) / 1000;
  const report = await sumUp(engine, summary, { history, from, seconds, backend: backend.name });
  say(call, summary, report);
  return { summary, report };
}

export type Report = Awaited<ReturnType<typeof sumUp>>;

async function sumUp(
  engine: Engine,
  { run, step, state, last_checkpoint }: RunSummary,
  seen: { history: History; from: number; seconds: number; backend: string },
) {
  const { history, from, seconds, backend } = seen;
  const { config } = await engine.request('run.get', { run }, never);
  return {
    run,
    steps: step,
    state,
    loss_first10: history.mean('first', FIRST),
    loss_last50: history.mean('last', LAST),
    val_loss: history.validation,
    images_per_s: history.speed(from, imagesPerStep(config.training)),
    backend,
    weights_sha256: last_checkpoint === null ? null : await engine.weightsSha256(run),
    seconds,
  };
}

function say(call: Call, { run, step, steps, state, problem }: RunSummary, report: Report): void {
  const { stderr } = call.context;
  const out = tell(call);
  if (state === 'failed' || state === 'lost') {
    stderr.write(`${run} ${state} at step ${step}. ${problem ?? ''}\n`);
  } else {
    const { loss_last50: loss, seconds } = report;
    const words = loss === null ? '' : `, diffusion loss ${loss.toFixed(4)}`;
    out.write(`${run}: ${state} at step ${step} of ${steps} after ${duration(seconds)}${words}.\n`);
  }
}
