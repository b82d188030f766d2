/** `npm run -s bench -- NAME [options]`: builds bench/NAME.ts beside the installed packages and runs it. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'vite';
import { build } from '../scripts/build.mjs';
import { say, sentence } from '../scripts/lib/say.mjs';
import { prepareSystem } from '../scripts/lib/system.mjs';
import { setupTensorFlow } from '../scripts/setup-tensorflow.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const OUT = join(HERE, '../node_modules/.cache/protodiff-bench');
/** What a bench runs in processes of its own. */
const PROCESSES = {
  clients: ['lib/clients-engine-child.ts', 'lib/clients-host-child.ts'],
  compare: ['train.ts'],
  crash: ['lib/crash-child.ts'],
};
/** What the engine's process starts with; compare gives it to ours alone. */
const ENGINE = JSON.parse(readFileSync(join(HERE, '../src/host/engine-process.json'), 'utf8'));
const ENVIRONMENT = {
  compare: {},
  /**
   * glibc keeps what was freed in its heaps, 8 to 40 MB more or less, which is neither held nor a leak. Here it
   * gives back what is large: resident memory is then what is held.
   */
  memory: { ...ENGINE.env, MALLOC_MMAP_THRESHOLD_: String(2 ** 20) },
};
/** Those that look at the built application through a Chromium. */
const IN_WINDOW = ['ui', 'window', 'windows'];
const [name = '', ...rest] = process.argv.slice(2);
const names = readdirSync(HERE)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

if (!names.includes(name)) {
  console.error(`usage: npm run -s bench -- ${names.join('|')} [options]`);
  process.exit(2);
}
await setupTensorFlow();
if (IN_WINDOW.includes(name)) {
  try {
    await build();
    const { chromium, noChromium } = await prepareSystem();
    if (chromium === undefined) throw new Error(noChromium);
    process.env.PROTODIFF_CHROMIUM = chromium;
  } catch (error) {
    say(sentence(error));
    process.exit(1);
  }
}
const sources = [`${name}.ts`, ...(PROCESSES[name] ?? [])].map((path) => join(HERE, path));
await bundle({
  configFile: false,
  logLevel: 'warn',
  resolve: { alias: { '@shared': join(HERE, '../src/shared') } },
  build: {
    ssr: true,
    outDir: OUT,
    emptyOutDir: false,
    target: 'node20',
    rollupOptions: {
      input: Object.fromEntries(sources.map((path) => [basename(path, '.ts'), path])),
      external: [/^@tensorflow\//, /^@?playwright/, 'libsql', 'sharp', /^ws$/, /^node:/],
      output: { format: 'cjs', entryFileNames: '[name].cjs' },
    },
  },
});
const execArgv = name === 'compare' ? [] : ENGINE.execArgv;
const child = spawn(process.execPath, [...execArgv, join(OUT, `${name}.cjs`), ...rest], {
  stdio: 'inherit',
  env: { ...(ENVIRONMENT[name] ?? ENGINE.env), ...process.env },
});
// It may have something to say before it ends.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (status, signal) => process.exit(signal ? 1 : (status ?? 1)));
