import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { AppError } from '@shared/errors';
import { openStore } from '../store';
import { EXIT } from './call';
import type { Call } from './call';
import { table } from './help';
import { workspaceOf } from './open-engine';
import { resourcesFolder } from '../host/resources';

type Finding = [what: string, found: string];

/** One line for each thing that decides what runs here; missing ones are said, not failures. */
export async function doctor(call: Call): Promise<number> {
  const { scripts, stdout, version, env } = call.context;
  const workspace = workspaceOf(call);
  const findings: Finding[] = [
    ['protodiff', `${version}, Node ${process.version}, ${process.platform} ${process.arch}`],
    ['machine', `${cpus().length} cores, ${gigabytes(totalmem())} of memory`],
    ['backend', await backend(env.PROTODIFF_RESOURCES || resourcesFolder(scripts))],
    ['GPU', await firstLine('nvidia-smi', ['-L'], 'none found (no nvidia-smi)')],
    ['Python', await firstLine('python3', ['--version'], 'not found: TensorFlow cannot be set up')],
    ['compiler', await compiler()],
    ['workspace', `${workspace}, ${access(workspace)}`],
    ['disk', disk(workspace)],
    ['Electron', electron(scripts, env.ELECTRON_OVERRIDE_DIST_PATH)],
    ['Chromium', onPath(BROWSERS) ?? 'not found: any browser will do for protodiff serve'],
  ];
  if (call.flag('json')) stdout.write(`${JSON.stringify(Object.fromEntries(findings))}\n`);
  else stdout.write(`${table(findings).join('\n')}\n`);
  return EXIT.ok;
}

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

async function backend(resourcesPath: string): Promise<string> {
  try {
    const { loadBackend } = await import('../engine/backend');
    const { info } = await loadBackend({ resourcesPath });
    const what = `${info.name} ${info.version} on ${info.device}`;
    return info.why === null ? what : `${what}. ${info.why}`;
  } catch (thrown) {
    const { message, remedy } = AppError.from(thrown);
    return [`none: ${message}`, remedy].filter(Boolean).join(' ');
  }
}

async function compiler(): Promise<string> {
  const found = onPath(['c++', 'g++', 'clang++']);
  return found === undefined
    ? 'not found: TensorFlow cannot be set up'
    : firstLine(found, ['--version'], found);
}

function firstLine(command: string, args: string[], otherwise: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 10_000 }, (error, stdout) => {
      const line = stdout.split('\n', 1)[0]?.trim();
      resolve(error === null && line ? line : otherwise);
    });
  });
}

function onPath(names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name);
      if (folder !== '' && existsSync(file)) return file;
    }
  }
  return undefined;
}

function access(workspace: string): string {
  let place = workspace;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  try {
    accessSync(place, constants.W_OK);
    return place === workspace ? 'writable' : 'not there yet, can be made';
  } catch {
    // Why it may not be written is the system's affair; what to do is ours.
    return 'not writable: choose another with --workspace';
  }
}

function disk(workspace: string): string {
  const store = openStore(workspace, { readonly: true });
  try {
    return `${gigabytes(store.freeBytes())} free`;
  } catch (thrown) {
    return AppError.from(thrown).message;
  } finally {
    store.close();
  }
}

function electron(scripts: string, override: string | undefined): string {
  if (override) return `in ${override}, as ELECTRON_OVERRIDE_DIST_PATH says`;
  const folder = join(scripts, '../../node_modules/electron/dist');
  return existsSync(folder)
    ? `in ${folder}`
    : 'not downloaded yet: npm start does that, or uses the browser';
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
