/** `npm run -s bench -- NAME [options]`: builds bench/NAME.ts beside the installed packages and runs it. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
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
  clients: ['clients-engine-child.ts', 'clients-host-child.ts'],
  compare: ['train.ts'],
  crash: ['crash-child.ts'],
};
/** Those that look at the built application through a Chromium. */
const IN_WINDOW = ['ui', 'window', 'windows'];
const [name = '', ...rest] = process.argv.slice(2);
const source = ['.ts', '.mjs']
  .map((end) => join(HERE, name + end))
  .find((path) => existsSync(path));

if (!source || name === 'index') {
  const names = readdirSync(HERE).filter(
    (file) =>
      !/^index|-(child|check)\.ts$/.test(file) &&
      ![
        'browser.ts',
        'configs.ts',
        'host.ts',
        'operations.ts',
        'recorded.ts',
        'spread.ts',
        'synthetic.ts',
        'trainer.ts',
      ].includes(file),
  );
  console.error(
    `usage: npm run -s bench -- ${names.map((file) => file.replace(/\.\w+$/, '')).join('|')} [options]`,
  );
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
let script = source;
if (source.endsWith('.ts')) {
  const sources = [source, ...(PROCESSES[name] ?? []).map((path) => join(HERE, path))];
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
  script = join(OUT, `${name}.cjs`);
}
const child = spawn(process.execPath, [script, ...rest], { stdio: 'inherit' });
// It may have something to say before it ends.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (status, signal) => process.exit(signal ? 1 : (status ?? 1)));
