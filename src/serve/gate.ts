import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export type Verdict = 'pass' | 'signed-in' | 'sign-in' | 'used-token' | 'forbidden';

const TOKEN_LIFE_MS = 10 * 60_000;

/**
 * Who may speak to the server. Stands in front of every route and of every upgrade:
 * - Host must be ours to the letter, so that a name rebound to 127.0.0.1 gets nowhere;
 * - Origin must be ours on upgrades and on all but GET and HEAD;
 * - a cookie must carry this server's secret. It is given in exchange for a token that works once.
 */
export class Gate {
  readonly cookieName: string;
  private readonly hosts: ReadonlySet<string>;
  private readonly secret = randomBytes(32).toString('base64url');
  private readonly tokens = new Map<string, number>();

  constructor(
    port: number,
    private readonly now: () => number = Date.now,
  ) {
    this.hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
    // Cookies ignore the port: two servers on one machine must not take each other's.
    this.cookieName = `protodiff-${port}`;
  }

  /** A new token for the opened URL: good once, for ten minutes. */
  mintToken(): string {
    const token = randomBytes(32).toString('base64url');
    this.tokens.set(digest(token).toString('hex'), this.now() + TOKEN_LIFE_MS);
    return token;
  }

  get cookie(): string {
    return `${this.cookieName}=${this.secret}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** @param upgrade whether the request wants a WebSocket */
  judge(request: IncomingMessage, upgrade: boolean): Verdict {
    const host = onlyHeader(request, 'host');
    if (host === undefined || !this.hosts.has(host)) return 'forbidden';
    // We are never behind a proxy; whoever says so is confused or worse.
    if (request.headers['x-forwarded-host'] !== undefined) return 'forbidden';
    const url = request.url ?? '';
    if (!url.startsWith('/')) return 'forbidden';
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if ((upgrade || !reads) && onlyHeader(request, 'origin') !== `http://${host}`) {
      return 'forbidden';
    }
    const known = this.hasCookie(request);
    const token = upgrade ? null : tokenOf(url);
    if (token === null) return known ? 'pass' : 'sign-in';
    if (request.method === 'GET' && this.spend(token)) return 'signed-in';
    return known ? 'signed-in' : 'used-token';
  }

  private spend(token: string): boolean {
    const given = digest(token);
    for (const [hex, until] of this.tokens) {
      if (!timingSafeEqual(Buffer.from(hex, 'hex'), given)) continue;
      this.tokens.delete(hex);
      return this.now() < until;
    }
    return false;
  }

  private hasCookie(request: IncomingMessage): boolean {
    const wanted = digest(this.secret);
    return (request.headers.cookie ?? '').split(';').some((pair) => {
      const [name, value] = pair.trim().split('=');
      return name === this.cookieName && timingSafeEqual(digest(value ?? ''), wanted);
    });
  }
}

/** Only the opened URL `/?token=…` is one; the same words elsewhere are not. */
function tokenOf(url: string): string | null {
  return /^\/\?token=([\w-]{1,128})$/.exec(url)?.[1] ?? null;
}

/** Hashing first makes the comparison one of equal lengths. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Node keeps the first of a doubled header; we take neither. */
function onlyHeader(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name];
  return values?.length === 1 ? values[0] : undefined;
}
