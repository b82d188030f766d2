import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import type { Skips } from './skips';

export interface FoundFile {
  /** Below the root, with '/' between folders on every platform. */
  name: string;
  path: string;
  bytes: number;
  modified: number;
}

const HIDDEN = new Set(['thumbs.db', 'ehthumbs.db', 'desktop.ini', '__macosx', 'icon\r']);

/**
 * All regular files under `root`, ordered by the code points of their names. Links are followed;
 * a folder that is reached twice, as by a loop of links, is read once.
 * @param heard called for every folder, so that a slow disk is not taken for a hang
 * @throws AppError bad_data when the root is missing, no folder, or cannot be listed
 */
export async function walk(
  root: string,
  skips: Skips,
  heard: (folder: string) => void,
): Promise<FoundFile[]> {
  await checkFolder(root);
  const files: FoundFile[] = [];
  const seen = new Set<string>();
  const pending: string[] = [''];
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    const folder = join(root, prefix);
    heard(prefix || '.');
    try {
      const real = await realpath(folder);
      if (seen.has(real)) {
        skips.add(prefix, 'a link to a folder that was read already');
        continue;
      }
      seen.add(real);
      for (const entry of await readdir(folder)) {
        if (entry.startsWith('.') || HIDDEN.has(entry.toLowerCase())) {
          skips.addHidden();
          continue;
        }
        const name = prefix === '' ? entry : `${prefix}/${entry}`;
        const found = await look(join(root, name), name, skips);
        if (found === 'folder') pending.push(name);
        else if (found !== undefined) files.push(found);
      }
    } catch (thrown) {
      if (prefix === '') throw unlisted(root, thrown);
      skips.add(prefix, `a folder that cannot be listed (${codeOf(thrown)})`);
    }
  }
  return byCodePoint(files, ({ name }) => name);
}

/** Sorted the same way everywhere: UTF-8 bytes sort as code points do, JavaScript strings do not. */
export function byCodePoint<T>(items: T[], nameOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, key: Buffer.from(nameOf(item)) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ item }) => item);
}

async function look(
  path: string,
  name: string,
  skips: Skips,
): Promise<FoundFile | 'folder' | undefined> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return 'folder';
    if (info.isFile()) return { name, path, bytes: info.size, modified: info.mtimeMs };
    skips.add(name, 'not a file but a device, socket or pipe');
  } catch (thrown) {
    const code = codeOf(thrown);
    const dangling = code === 'ENOENT' || code === 'ELOOP';
    skips.add(name, dangling ? 'a link that leads nowhere' : `cannot be looked at (${code})`);
  }
  return undefined;
}

async function checkFolder(root: string): Promise<void> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(root)).isDirectory();
  } catch (thrown) {
    throw unlisted(root, thrown);
  }
  if (isFolder) return;
  throw new AppError('bad_data', `${root} is a file, not a folder.`, {
    remedy: 'Choose the folder that holds the images.',
  });
}

function unlisted(root: string, thrown: unknown): AppError {
  const code = codeOf(thrown);
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  return new AppError(
    'bad_data',
    missing ? `There is no folder ${root}.` : `The folder ${root} cannot be read (${code}).`,
    {
      remedy: missing
        ? 'Choose a folder on the machine that trains.'
        : 'Check its permissions and its disk.',
      cause: thrown,
    },
  );
}

export function codeOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
}
