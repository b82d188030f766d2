import { writeSync } from 'node:fs';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { createEngine } from '../engine';

/**
 * The process that the queue's kill test kills: an engine whose queue runs until nothing waits. It
 * says when a job has begun, and each step of its run as the window is told of it.
 */
const [workspace = '', resources = '', dead] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const never = new AbortController().signal;

async function main(): Promise<void> {
  const recover = dead === undefined ? undefined : { pid: Number(dead), exit: 'signal SIGKILL' };
  const engine = await createEngine({
    ...{ workspace, resources, importerEntry: '', appVersion: '0.0.0' },
    ...(recover === undefined ? {} : { recover }),
  });
  if (recover === undefined) await engine.request('queue.start', {}, never);
  const queue = engine.subscribe('queue', {}, () => undefined);
  const status = engine.subscribe('status', {}, () => undefined);
  let began = recover === undefined;
  for (let now: SubscriptionEvent<'queue'> | undefined; ;) {
    now = (queue.pull() as SubscriptionEvent<'queue'> | undefined) ?? now;
    const { active } = (status.pull() as SubscriptionEvent<'status'> | undefined) ?? {};
    const job = now?.jobs.find(({ run }) => run !== null && run === active?.run)?.job;
    if (job !== undefined && active) say(`step ${job} ${active.step}`);
    began ||= now?.running === true;
    if (began && now?.running === false) break;
    await new Promise((done) => setTimeout(done, 2));
  }
  await engine.close();
  say('end');
}

main().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exitCode = 1;
});
