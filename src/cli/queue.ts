import { settingWords } from '@shared/config/settings';
import { openStore } from '../store';
import type { RunStore } from '../store/port';
import { retryJob } from '../store/queue';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { nearest, table } from './help';
import { jobLine, resultTable, runJobs } from './jobs';
import type { JobResult } from './jobs';
import { withEngine, workspaceOf } from './open-engine';
import { combinations, possible } from './sweep';
import { interruptible } from './train';

const never = new AbortController().signal;

interface Act {
  /** Operands after the act, as the usage line shows them. */
  takes: string;
  count: [min: number, max: number];
  run: (call: Call, operands: string[]) => Promise<number> | number;
}

const ACTS: Record<string, Act> = {
  list: { takes: '', count: [0, 0], run: list },
  add: { takes: '', count: [0, 0], run: add },
  run: { takes: '', count: [0, 0], run: runAll },
  remove: {
    takes: 'JOB…',
    count: [1, 1000],
    run: (call, operands) =>
      change(call, (store) => {
        const removed = store.queue.remove(operands.map(jobNumber));
        const words =
          removed.length === 0 ? 'None of them waits.' : `Removed: ${removed.join(', ')}.`;
        return { words, removed };
      }),
  },
  restore: {
    takes: 'JOB…',
    count: [1, 1000],
    run: (call, operands) =>
      change(call, (store) => {
        const jobs = operands.map(jobNumber);
        store.queue.restore(jobs);
        return { words: 'They wait again where they were.', restored: jobs };
      }),
  },
  retry: {
    takes: 'JOB',
    count: [1, 1],
    run: (call, [operand = '']) =>
      change(call, (store) => {
        const job = jobNumber(operand);
        retryJob(store, job);
        return { words: `Job ${job} waits at the end of the queue.`, job };
      }),
  },
  move: {
    takes: 'JOB [BEFORE]',
    count: [1, 2],
    run: (call, [operand = '', before]) =>
      change(call, (store) => {
        const job = jobNumber(operand);
        store.queue.move(job, before === undefined ? null : jobNumber(before));
        const where = before === undefined ? 'at the end' : `before job ${before}`;
        return { words: `Job ${job} is ${where}.`, job };
      }),
  },
  clear: {
    takes: '',
    count: [0, 0],
    run: (call) =>
      change(call, (store) => {
        const cleared = store.queue.clear();
        return { words: `${cleared} ended jobs are forgotten; their runs stay.`, cleared };
      }),
  },
};

/** `queue ACT`: the jobs that wait in a workspace. */
export async function queue(call: Call): Promise<number> {
  const [name = 'list', ...operands] = call.operands;
  const act = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
  if (act === undefined) {
    const meant = nearest(name, Object.keys(ACTS));
    throw new UsageError(
      `queue has no act "${name}".${meant === undefined ? '' : ` Did you mean ${meant}?`} It has ${Object.keys(ACTS).join(', ')}.`,
    );
  }
  const [min, max] = act.count;
  if (operands.length < min || operands.length > max)
    throw new UsageError(`Usage: protodiff queue ${name} ${act.takes}`.trimEnd());
  return act.run(call, operands);
}

function list(call: Call): number {
  const { stdout } = call.context;
  const workspace = workspaceOf(call);
  const store = openStore(workspace, { readonly: true });
  const jobs = store.queue.list();
  if (call.flag('json')) {
    const rows = jobs.map(({ config, ...job }) => ({ ...job, steps: config?.training.steps }));
    stdout.write(`${JSON.stringify({ workspace, jobs: rows })}\n`);
  } else if (jobs.length === 0) stdout.write(`The queue of ${workspace} is empty.\n`);
  else {
    const rows = jobs.map(({ job, state, config, differs, sweep, run, problem }) => [
      ...[String(job), state, config?.preset ?? '', String(config?.training.steps ?? '')],
      ...[settingWords(differs), sweep ?? '', run ?? '', problem ?? ''],
    ]);
    const head = ['job', 'state', 'preset', 'steps', 'differs', 'sweep', 'run', ''];
    stdout.write(`${table([head, ...rows]).join('\n')}\n`);
  }
  return EXIT.ok;
}

/** Changes what waits without an engine: one may be training there now. */
function change(call: Call, act: (store: RunStore) => { words: string }): number {
  const store = openStore(workspaceOf(call));
  try {
    const { words, ...facts } = act(store);
    call.context.stdout.write(`${call.flag('json') ? JSON.stringify(facts) : words}\n`);
    return EXIT.ok;
  } finally {
    store.close();
  }
}

async function add(call: Call): Promise<number> {
  const { stdout } = call.context;
  const asked = combinations(call);
  return withEngine(call, async (engine) => {
    const jobs = await possible(call, engine, asked);
    const sweep = call.texts('sweep').length > 0;
    const added = await engine.request(
      'queue.add',
      { jobs, asked: { by: 'command line' }, sweep, then: 'wait' },
      never,
    );
    const words = `Added: ${added.jobs.join(', ')}. Start them with: protodiff queue run`;
    stdout.write(`${call.flag('json') ? JSON.stringify(added) : words}\n`);
    return EXIT.ok;
  });
}

async function runAll(call: Call): Promise<number> {
  const { stdout } = call.context;
  return interruptible(call, async (engine, interrupt) => {
    const results: JobResult[] = [];
    await runJobs(call, engine, { interrupt }, (result) => {
      results.push(result);
      if (call.flag('json')) stdout.write(`${JSON.stringify(jobLine(result))}\n`);
    });
    if (!call.flag('json'))
      stdout.write(results.length === 0 ? 'No job ended.\n' : resultTable(results));
    if (interrupt.aborted) return EXIT.interrupted;
    return results.every(({ job }) => job.state === 'done') ? EXIT.ok : EXIT.failed;
  });
}

function jobNumber(text: string): number {
  const job = Number(text);
  if (Number.isSafeInteger(job) && job > 0) return job;
  throw new UsageError(`"${text}" is no job: give its number, as queue list shows it.`);
}
