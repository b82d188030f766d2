import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { AppError } from '@shared/errors';

export interface PageFile {
  path: string;
  type: string;
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.wasm': 'application/wasm',
};

/**
 * The files of the built page by URL path. Requests are looked up here and nowhere else, so no
 * path of a client ever meets the file system. Links are left out.
 *
 * @throws AppError `not_found` when the page has not been built
 */
export function pageFiles(folder: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  const walk = (path: string, url: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) walk(child, `${url}${entry.name}/`);
      else if (entry.isFile()) {
        const type = TYPES[extname(entry.name).toLowerCase()] ?? 'application/octet-stream';
        files.set(`${url}${entry.name}`, { path: child, type });
      }
    }
  };
  try {
    walk(folder, '/');
  } catch (cause) {
    throw unbuilt(folder, cause);
  }
  const index = files.get('/index.html');
  if (index === undefined) throw unbuilt(folder);
  files.set('/', index);
  return files;
}

function unbuilt(folder: string, cause?: unknown): AppError {
  return new AppError('not_found', `There is no built page in ${folder}.`, {
    remedy: 'Build it with: npm run build',
    cause,
  });
}
