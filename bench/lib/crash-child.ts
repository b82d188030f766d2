import { writeSync } from 'node:fs';
import { z } from 'zod';
import { RunConfigSchema } from '@shared/config/run-config';
import { JournalPlanSchema } from '@shared/config/journal';
import type {
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionEvent,
} from '@shared/protocol/contract';
import { createEngine } from '../../src/engine/engine';
import type { Engine } from '../../src/engine/engine';

/**
 * The process that `crash` kills: a whole engine that starts or continues one run and watches it as
 * a window does. A line on stdout is an acknowledgement: what it names was answered or delivered.
 */
const Job = z.object({
  root: z.string(),
  resources: z.string(),
  config: RunConfigSchema,
  plan: JournalPlanSchema,
  run: z.string().optional(),
  /** Steps between two acts of a person: a checkpoint, a picture, a change of `sample_every`. */
  act_every: z.number(),
});
const job = Job.parse(JSON.parse(process.argv[2] ?? ''));
const say = (line: string): void => void writeSync(1, `${line}\n`);

let engine: Engine;
const ask = <N extends RequestName>(name: N, input: RequestInput<N>): Promise<RequestOutput<N>> =>
  engine.request(name, input, new AbortController().signal);

async function main(): Promise<void> {
  engine = await createEngine({
    workspace: job.root,
    resources: job.resources,
    importerEntry: '',
    appVersion: '0.0.0',
  });
  say('open');
  const { config, plan } = job;
  const begun = job.run ? await ask('run.continue', { run: job.run }) : null;
  const run = begun?.run ?? (await ask('run.start', { config, plan })).run;
  say(`run ${run} ${begun !== null && 'from_step' in begun ? begun.from_step : 0}`);
  await watch(run);
  await engine.close();
  say('done');
}

/** Until every step has been delivered and the run has ended. */
function watch(run: string): Promise<void> {
  return new Promise((done, fail) => {
    let acted: number | undefined;
    let looking = false;
    const look = async (): Promise<void> => {
      if (looking) return;
      looking = true;
      for (;;) {
        const event = source.pull() as SubscriptionEvent<'curves'> | undefined;
        if (event === undefined) break;
        const loss = event.keys.indexOf('train/loss');
        event.step.data.forEach((step, row) =>
          say(`step ${step} ${event.values.data[row * event.keys.length + loss]}`),
        );
        const step = event.step.data.at(-1) ?? 0;
        // What comes first was recorded by lives before this one, which does some of it again.
        acted ??= step;
        if (step - acted < job.act_every) continue;
        acted = step;
        await act(run, step);
      }
      const { state } = (await ask('run.get', { run })).summary;
      looking = false;
      if (state === 'failed') throw new Error(`the run has failed`);
      if (state === 'finished') done();
    };
    const source = engine.subscribe('curves', { run }, () =>
      setImmediate(() => void look().catch(fail)),
    );
    setInterval(() => void look().catch(fail), 100).unref();
  });
}

async function act(run: string, step: number): Promise<void> {
  const which = Math.floor(step / job.act_every) % 3;
  try {
    if (which === 0) say(`checkpoint ${(await ask('run.checkpoint', { run })).step}`);
    if (which === 1) await ask('run.sample', { run });
    if (which === 2) {
      await ask('knobs.set', { run, change: { sample_every: step } });
      say(`knob ${step}`);
    }
  } catch (error) {
    // Between the last step and the end: there is nothing to act on any more.
    if ((error as { code?: unknown }).code !== 'wrong_state') throw error;
  }
}

main().catch((error: unknown) => {
  say(
    `failed ${(error instanceof Error ? (error.stack ?? '') : String(error)).replaceAll('\n', ' ')}`,
  );
  process.exitCode = 1;
});
