/**
 * The content security policy of the window's page, in every host. Plotly writes inline styles;
 * nothing else is inline, and nothing comes from elsewhere.
 *
 * @param connect sources besides the page's own origin, e.g. its WebSocket
 */
export function contentSecurityPolicy(connect: string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "worker-src 'self' blob:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
