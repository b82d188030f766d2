import { writeSync } from 'node:fs';
import { ndarray } from '@shared/maths/ndarray';
import { openStore } from '..';
import { metricRows, ORIGIN, samplesAt } from './workspace';

/**
 * The process that the crash test kills: continues the run (or starts one), then writes for ever.
 * A line on stdout after a call has returned promises that its result is durable.
 */
const [root = '', existing] = process.argv.slice(2);
const store = openStore(root);
const writer = existing === undefined ? store.create(ORIGIN) : store.open(existing);
const say = (line: string): void => void writeSync(1, `${line}\n`);

say(`run ${writer.run}`);
let step = 0;
if (store.read(writer.run).checkpoints.length > 0) {
  const loaded = store.loadCheckpoint(writer.run);
  if ('protodiff.skipped' in loaded.metadata) throw new Error(loaded.metadata['protodiff.skipped']);
  step = loaded.step;
}
writer.rewindTo(step);
say(`from ${step}`);

for (;;) {
  const count = (step % 3) + 1;
  writer.appendMetrics(metricRows(step + 1, step + count));
  step += count;
  say(`metrics ${step}`);
  if (step % 2 === 0) {
    writer.appendJournal({ applied_at_step: step, knob: 'lr', previous: 0, value: step, wall: 0 });
    say(`journal ${step}`);
  }
  writer.heartbeat({ step, paused: false });
  // Large enough for kills to fall into the writing.
  const weights = ndarray(new Float32Array(200_000).fill(step), [200_000]);
  writer.writeCheckpoint(step, { weights }, { step: String(step) }, 2);
  say(`checkpoint ${step}`);
  writer.writeSamples(samplesAt(writer.run, step, 2));
  say(`samples ${step}`);
}
