import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineOptions } from '../engine/engine';
import type { Terminal } from './call';
import { run } from './run';

const terminal = (stream: NodeJS.WriteStream): Terminal => ({
  write: (text) => void stream.write(text),
  get columns() {
    return stream.isTTY ? stream.columns : undefined;
  },
});

const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
  version: string;
};

// A reader that went away (`| head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

void run(process.argv.slice(2), {
  stdout: terminal(process.stdout),
  stderr: terminal(process.stderr),
  env: process.env,
  version,
  scripts: __dirname,
  createEngine: async (options: EngineOptions) =>
    (await import('../engine/engine')).createEngine(options),
  onInterrupt: (handler) => {
    let first = 0;
    const heard = (): void => {
      // The second one means it; but one key press may arrive twice, through npm and by itself.
      if (first > 0 && Date.now() - first > 1000) process.exit(130);
      if (first > 0) return;
      first = Date.now();
      handler();
    };
    process.on('SIGINT', heard).on('SIGTERM', heard);
    return () => void process.off('SIGINT', heard).off('SIGTERM', heard);
  },
}).then((code) => {
  // Backends keep handles open; everything of ours is closed by now. Exits when stdout is flushed.
  process.stdout.write('', () => process.exit(code));
});
