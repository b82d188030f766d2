#!/usr/bin/env node
/** `protodiff VERB …` in the checkout and where it is installed: builds if needed, then runs the CLI here. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ROOT } from './lib/places.mjs';
import { say, sentence } from './lib/say.mjs';

const cli = join(ROOT, 'out/main/cli.cjs');
try {
  await build();
} catch (error) {
  say(sentence(error));
  process.exit(1);
}
process.argv[1] = cli;
createRequire(import.meta.url)(cli);
