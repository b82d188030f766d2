import { createEngine } from './engine';
import { hostLink } from './host-link';
import { runProcess } from './run-process';

const link = hostLink();
if (link === undefined) {
  process.stderr.write('This is the engine process; start it through Protodiff.\n');
  process.exit(2);
}
void runProcess({ env: process.env, link, createEngine, exit: (code) => process.exit(code) });
