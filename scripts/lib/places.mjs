import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the checkout or of the installed package. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Protodiff's folder in the user's cache, as the engine finds it: all in it can be made again. */
export function cacheFolder(env = process.env, platform = process.platform) {
  if (platform === 'darwin') return join(homedir(), 'Library/Caches/protodiff');
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA || join(homedir(), 'AppData/Local'), 'protodiff');
  }
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'protodiff');
}

/** The first of the named programs found on PATH, or undefined. */
export function which(...names) {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      for (const suffix of suffixes) {
        const candidate = join(folder, name + suffix);
        if (folder !== '' && existsSync(candidate)) return candidate;
      }
    }
  }
  return undefined;
}
