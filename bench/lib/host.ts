import { resolve } from 'node:path';
import { startServer } from '../../src/serve/server';
import type { RunningServer } from '../../src/serve/server';

/** The served host of the checkout's build, over a workspace of its own. */
export function serveBuilt(workspace: string): Promise<RunningServer> {
  const root = process.cwd();
  return startServer({
    workspace,
    resources: resolve(root, 'resources'),
    importer: resolve(root, 'out/main/importer.cjs'),
    page: resolve(root, 'out/renderer'),
    engineEntry: resolve(root, 'out/main/engine.cjs'),
    version: '0.0.0',
    port: 0,
  });
}
