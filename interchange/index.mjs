/**
 * `npm run test:interchange`: weights between Protodiff and PyTorch, both ways, and golden packs of
 * other shapes that are made there. PyTorch lives in a virtual environment in the user's cache folder.
 * Exit code: 0 all holds, 1 something does not, 77 skipped for want of Python or packages (why: one line).
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../scripts/lib/places.mjs';
import { say, sentence } from '../scripts/lib/say.mjs';
import { pythonWith } from '../scripts/lib/venv.mjs';

const SKIPPED = 77;
const CPU_WHEELS = 'https://download.pytorch.org/whl/cpu';
const PACKAGES = ['torch>=2.4', 'diffusers>=0.30', 'safetensors', 'numpy', 'pillow'];

let python;
try {
  python =
    process.env.PROTODIFF_TORCH_PYTHON ||
    (await pythonWith('interchange', PACKAGES, 'import torch, diffusers, safetensors', {
      index: CPU_WHEELS,
      package: PACKAGES[0],
    }));
} catch (thrown) {
  say(`interchange tests skipped: ${sentence(thrown)}`);
  process.exit(SKIPPED);
}
const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
const config = join(ROOT, 'interchange/vitest.config.ts');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', config, '--disable-console-intercept', ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, PROTODIFF_TORCH_PYTHON: python } },
);
process.exit(status ?? 1);
