import { readFileSync } from 'node:fs';
import { protocol } from 'electron';
import { contentSecurityPolicy } from '../host/csp';
import { pageFiles } from '../host/page-files';

export const PAGE_ORIGIN = 'app://protodiff';

/** Must be called before Electron is ready: gives the page an origin, and workers and fonts with it. */
export function declareScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Serves the built page; a URL is only looked up, never made into a path. */
export function servePage(folder: string): void {
  const files = pageFiles(folder);
  const headers = {
    'Content-Security-Policy': contentSecurityPolicy(),
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
  };
  const find = (url: string) => {
    const { host, pathname } = new URL(url);
    const file = host === 'protodiff' ? files.get(pathname) : undefined;
    return file === undefined ? undefined : { data: readFileSync(file.path), type: file.type };
  };
  // `handle` came with Electron 25.
  if (typeof protocol.handle === 'function') {
    protocol.handle('app', (request) => {
      const found = find(request.url);
      if (found === undefined) return new Response('Not found', { status: 404, headers });
      const body = new Uint8Array(found.data);
      return new Response(body, { headers: { ...headers, 'Content-Type': found.type } });
    });
    return;
  }
  protocol.registerBufferProtocol('app', (request, answer) => {
    const found = find(request.url);
    if (found === undefined) answer({ statusCode: 404, data: Buffer.from('Not found'), headers });
    // The type's charset goes by header; mimeType wants the bare type.
    else
      answer({
        data: found.data,
        mimeType: found.type.split(';', 1)[0],
        charset: 'utf-8',
        headers,
      });
  });
}
