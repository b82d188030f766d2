import { constants, setPriority } from 'node:os';
import { createEngine } from './engine';
import { hostLink } from './host-link';
import { runProcess } from './run-process';

const link = hostLink();
if (link === undefined) {
  process.stderr.write('This is the engine process; start it through Protodiff.\n');
  process.exit(2);
}
try {
  // Before TensorFlow makes its threads, which inherit it: a page that is loaded or used has the processor
  // first, and what it leaves is the training's.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch (thrown) {
  process.stderr.write(
    `The engine shares the processor with its pages as equals: ${String(thrown)}\n`,
  );
}
void runProcess({ env: process.env, link, createEngine, exit: (code) => process.exit(code) });
