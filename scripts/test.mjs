/** `npm test`: prepares the machine, checks, unit tests, build, window tests; ends with one line of sums. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { check } from './check.mjs';
import { readJson } from './lib/files.mjs';
import { ROOT } from './lib/places.mjs';
import { say, sentence } from './lib/say.mjs';
import { addUp, ofPlaywright, ofVitest, sumLine } from './lib/sums.mjs';
import { prepareWindows } from './lib/windows.mjs';
import { setupTensorFlow } from './setup-tensorflow.mjs';

const OUTPUT = join(ROOT, 'test-results');

function inherit(args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    child.on('error', (error) => {
      say(error.message);
      resolve(-1);
    });
    child.on('close', (code) => resolve(code ?? -1));
  });
}

async function stage(name, work) {
  const began = performance.now();
  process.stdout.write(`\n── ${name}\n`);
  try {
    return await work();
  } catch (error) {
    say(sentence(error));
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    process.stdout.write(`── ${name}: ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
  }
}

async function runner(args, report, read, env = {}) {
  mkdirSync(OUTPUT, { recursive: true });
  rmSync(report, { force: true });
  const code = await inherit(args, env);
  return read(readJson(report), code);
}

const sums = [];
let windows;

await stage('Preparing', async () => {
  await setupTensorFlow();
  windows = await prepareWindows();
});

sums.push(
  await stage('Checks', async () => {
    const results = await check();
    const passed = results.filter((result) => result.passed).length;
    return { passed, failed: results.length - passed, skipped: 0 };
  }),
);

sums.push(
  await stage('Unit tests', () => {
    const report = join(OUTPUT, 'vitest.json');
    const flags = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    return runner(
      [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...flags],
      report,
      ofVitest,
    );
  }),
);

sums.push(
  await stage('Build and window tests', async () => {
    await build();
    const report = join(OUTPUT, 'playwright.json');
    return runner(
      [join(ROOT, 'node_modules/@playwright/test/cli.js'), ...['test', '--reporter=list,json']],
      report,
      ofPlaywright,
      { PLAYWRIGHT_JSON_OUTPUT_FILE: report, PROTODIFF_WINDOWS: JSON.stringify(windows ?? {}) },
    );
  }),
);

const total = addUp(sums);
process.exitCode = total.failed === 0 ? 0 : 1;
process.stdout.write(`\n${sumLine(total)}\n`);
