import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname } from 'node:path';
import { AppError } from '@shared/errors';
import { contentSecurityPolicy } from '../host/csp';
import { pageFiles } from '../host/page-files';
import type { PageFile } from '../host/page-files';
import type { Gate, Verdict } from './gate';

const BASE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-cache',
};

const REFUSALS: Record<Exclude<Verdict, 'pass' | 'signed-in'>, [number, string]> = {
  forbidden: [403, 'This request does not come from the Protodiff page.'],
  'sign-in': [
    401,
    'This browser has not been let in. Open the address that the terminal shows where Protodiff runs; press Enter there for a new one, or start Protodiff again.',
  ],
  'used-token': [
    401,
    'This address has been used already, or is too old: each works once. Press Enter in the terminal where Protodiff runs for a new one, or start Protodiff again.',
  ],
};

/**
 * Answers the plain HTTP requests: sign-in, refusals, and the files of the page, which are listed anew
 * with each page that loads: it may have been built again under a server that trains for days.
 *
 * @param files      of the folder when the server starts
 * @param onLoading  a page begins to load
 */
export function answerPages(
  gate: Gate,
  { folder, files: atStart }: { folder: string; files: ReadonlyMap<string, PageFile> },
  port: number,
  onLoading: () => void,
) {
  let files = atStart;
  const sources = ['127.0.0.1', 'localhost'].map((host) => `ws://${host}:${port}`);
  const headers = { ...BASE_HEADERS, 'Content-Security-Policy': contentSecurityPolicy(sources) };

  return (request: IncomingMessage, response: ServerResponse): void => {
    const send = (status: number, text: string, more: Record<string, string> = {}): void => {
      const type = { 'Content-Type': 'text/plain; charset=utf-8' };
      response.writeHead(status, { ...headers, ...type, ...more });
      response.end(request.method === 'HEAD' ? undefined : `${text}\n`);
    };
    const verdict = gate.judge(request, false);
    if (verdict === 'signed-in') {
      return send(303, 'Welcome.', { Location: '/', 'Set-Cookie': gate.cookie });
    }
    if (verdict !== 'pass') return send(...REFUSALS[verdict]);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return send(405, 'Only GET is served here.', { Allow: 'GET, HEAD' });
    }
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (path === '/') {
      try {
        files = pageFiles(folder);
      } catch (thrown) {
        const { message } = AppError.from(thrown);
        return send(503, `${message} If it is being built, load this page again in a moment.`);
      }
    }
    const file = files.get(path);
    if (file === undefined) return send(404, 'There is nothing at this address.');
    if (path === '/' && request.method === 'GET') onLoading();
    sendFile(file, request, response, headers, send);
  };
}

function sendFile(
  file: PageFile,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Record<string, string>,
  send: (status: number, text: string) => void,
): void {
  const stream = createReadStream(file.path);
  stream.once('error', () => {
    // The build was replaced under us.
    if (response.headersSent) response.destroy();
    else send(404, 'This file is not there any more. Start Protodiff again.');
  });
  stream.once('open', () => {
    response.writeHead(200, {
      ...headers,
      'Content-Type': file.type,
      ...(isHashed(file.path) && { 'Cache-Control': 'private, max-age=31536000, immutable' }),
    });
    if (request.method === 'HEAD') {
      stream.destroy();
      response.end();
    } else stream.pipe(response);
  });
}

/** The build names what it puts there by its contents: the same name is the same file for good. */
const isHashed = (path: string): boolean =>
  basename(dirname(path)) === 'assets' && /-[\w-]{8}\.\w+$/.test(path);
