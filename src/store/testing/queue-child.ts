import { writeSync } from 'node:fs';
import { PRESETS } from '@shared/config/presets';
import { openStore } from '..';

/**
 * The process that the queue's crash test kills: adds, takes, ends, moves and removes jobs for ever.
 * A line on stdout after a call has returned promises that its result is durable.
 */
const [root = ''] = process.argv.slice(2);
const { queue } = openStore(root);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const asked = { by: 'command line' } as const;

for (;;) {
  const jobs = Array.from({ length: 5 }, (_, i) => ({
    config: { ...PRESETS.tiny, seed: i },
    differs: [{ name: 'seed', value: i }],
  }));
  const added = queue.add(jobs, { asked, sweep: true, reserve: false }).jobs;
  say(`added ${added.join(' ')}`);
  const last = added[4] ?? 0;
  queue.move(last, added[0] ?? null);
  say(`first ${last}`);
  const taken = queue.take()?.job ?? 0;
  say(`took ${taken}`);
  queue.began(taken, `20260101-000000-job-${taken}`);
  say(`began ${taken}`);
  queue.end(taken, 'done', null);
  say(`done ${taken}`);
  const [gone = 0] = queue.remove([added[1] ?? 0]);
  say(`gone ${gone}`);
  if (queue.list().filter(({ state }) => state === 'queued').length > 20) {
    for (const { job, state } of queue.list()) if (state === 'queued') queue.remove([job]);
    say(`cleared ${queue.clear()}`);
  }
}
