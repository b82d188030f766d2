/** `npm run check`: types, components, lint and format, each counted as one test. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './lib/places.mjs';
import { run } from './lib/run.mjs';

const tool = (path) => join(ROOT, 'node_modules', path);
const tsc = (room) => [tool('typescript/bin/tsc'), '-p', `tsconfig.${room}.json`];

// The longest first, so that the last to end is not the longest.
const CHECKS = {
  lint: [tool('eslint/bin/eslint.js'), '.', '--max-warnings', '0'],
  components: [
    tool('svelte-check/bin/svelte-check'),
    ...['--tsconfig', './tsconfig.renderer.json', '--fail-on-warnings', '--output', 'human'],
  ],
  'types (node)': tsc('node'),
  'types (renderer)': tsc('renderer'),
  'types (shared)': tsc('shared'),
  format: [tool('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
};

/** @returns {Promise<{name: string, passed: boolean}[]>} */
export async function check() {
  const queue = Object.entries(CHECKS);
  const results = [];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [name, args] = next;
      const began = performance.now();
      const answer = await run(process.execPath, args, { cwd: ROOT, timeout: 600_000 });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const passed = answer.code === 0;
      process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
      if (!passed) process.stdout.write(`${answer.stdout}${answer.stderr}\n`);
      results.push({ name, passed });
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 3) }, worker));
  return results;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = await check();
  process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
}
