/**
 * `npm run test:tensorboard`: trains 400 steps, branches from step 200 with another rate, stops and
 * resumes the branch on its way, and has the real TensorBoard read every point of both runs. It lives in
 * a virtual environment in the user's cache folder.
 * Exit code: 0 all holds, 1 something does not, 77 skipped for want of Python or packages (why: one line).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../scripts/build.mjs';
import { ROOT } from '../scripts/lib/places.mjs';
import { lastLine, run } from '../scripts/lib/run.mjs';
import { say, sentence } from '../scripts/lib/say.mjs';
import { pythonWith } from '../scripts/lib/venv.mjs';

const SKIPPED = 77;
const MINUTES = 60_000; // ms
const CLI = join(ROOT, 'scripts/protodiff.mjs');
// Larger than the runs, so that step 200 keeps its checkpoint.
const KEPT = ['--set', 'training.keep_checkpoints=50'];

async function protodiff(...args) {
  const made = await run(process.execPath, [CLI, ...args], { timeout: 20 * MINUTES });
  if (made.code !== 0) throw new Error(`protodiff ${args[0]} failed: ${lastLine(made)}`);
  return JSON.parse(made.stdout.trim().split('\n').at(-1));
}

/** Starts a verb and interrupts it when its first line of progress says that steps are made. */
function interrupted(...args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let heard = '';
    child.stderr.on('data', (text) => {
      heard += text;
      const step = Math.max(
        ...[...heard.matchAll(/step (\d+)\//g)].map((found) => Number(found[1])),
      );
      if (step > 230 && !child.killed) child.kill('SIGINT');
    });
    child.stdout.resume();
    child.on('exit', resolve);
  });
}

let python;
try {
  python = await pythonWith(
    'tensorboard',
    ['tensorboard>=2.16', 'setuptools<81'],
    'import tensorboard',
  );
} catch (thrown) {
  say(`TensorBoard test skipped: ${sentence(thrown)}`);
  process.exit(SKIPPED);
}
await build();
const workspace = mkdtempSync(join(tmpdir(), 'protodiff-tensorboard-'));
const here = ['--workspace', workspace, '--json'];
let failures = 0;
try {
  const { run: parent } = await protodiff(
    'train',
    '--preset',
    'tiny',
    '--steps',
    '400',
    ...KEPT,
    ...here,
  );
  await interrupted('branch', parent, '--step', '200', '--set', 'lr=5e-4', ...here);
  const child = await protodiff('resume', 'last', ...here);
  const { runs } = await protodiff('list', ...here);
  const found = runs.find((each) => each.run === child.run);
  if (found?.parent?.run !== parent || found.parent.step !== 200) {
    failures += 1;
    console.log(`the tree does not show the branch: ${JSON.stringify(found?.parent)}`);
  }
  for (const name of [parent, child.run]) {
    const metrics = await protodiff('query', name, ...here);
    const { samples, config } = await protodiff('get', name, ...here);
    const record = join(workspace, `${name}.json`);
    writeFileSync(record, JSON.stringify({ ...metrics, samples, lr: config.knobs.lr }));
    const reader = join(ROOT, 'tensorboard/read.py');
    const read = await run(python, [reader, join(workspace, 'runs', name), record], {
      timeout: MINUTES * 5,
    });
    if (read.code !== 0) throw new Error(`TensorBoard did not read ${name}: ${lastLine(read)}`);
    const { points, images, settings, problems } = JSON.parse(
      read.stdout.trim().split('\n').at(-1),
    );
    const steps = `steps ${metrics.step[0]} to ${metrics.step.at(-1)}`;
    console.log(`${name}: ${steps}, ${points} points, ${images} images, ${settings} settings`);
    for (const problem of problems) console.log(`  ${problem}`);
    failures += problems.length;
  }
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
console.log(
  failures === 0 ? 'TensorBoard reads every point of both runs.' : `${failures} problems.`,
);
process.exit(failures === 0 ? 0 : 1);
