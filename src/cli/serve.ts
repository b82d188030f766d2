import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { resourcesFolder } from '../host/resources';
import { openBrowser } from '../serve/open-browser';
import { startServer } from '../serve/server';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { workspaceOf } from './open-engine';

export async function serve(call: Call): Promise<number> {
  const { stdout, stderr, scripts, env, version, onInterrupt } = call.context;
  const port = call.count('port');
  if (port !== undefined && port > 65_535)
    throw new UsageError('--port takes a number up to 65535.');
  const workspace = workspaceOf(call);
  const server = await startServer({
    workspace,
    resources: env.PROTODIFF_RESOURCES || resourcesFolder(scripts),
    importer: join(scripts, 'importer.cjs'),
    engineEntry: join(scripts, 'engine.cjs'),
    page: join(scripts, '../renderer'),
    version,
    ...(port === undefined ? {} : { port }),
    onState: ({ state, detail }) => {
      if (state !== 'starting' && state !== 'ready') stderr.write(`${detail}\n`);
    },
  });
  const url = server.signInUrl();
  if (call.flag('json')) stdout.write(`${JSON.stringify({ url, port: server.port })}\n`);
  const opened = !call.flag('no-open') && (await openBrowser(url));
  if (!call.flag('json')) {
    const where = opened ? `http://127.0.0.1:${server.port}/` : url;
    stdout.write(`Protodiff is at ${where}\n`);
    stdout.write(`The workspace is ${workspace}. Press Ctrl+C to stop.\n`);
  }
  const lines = offerAddresses(call, () => server.signInUrl());
  await new Promise<void>((resolve) => {
    const stopListening = onInterrupt(() => {
      stopListening();
      resolve();
    });
  });
  lines?.close();
  if (!call.flag('json')) stdout.write('Stopping; a run that is training writes a checkpoint.\n');
  await server.close();
  return EXIT.ok;
}

/** Enter prints a new address: each works once. */
function offerAddresses({ context }: Call, signInUrl: () => string) {
  if (process.stdin.isTTY !== true || context.stdout.columns === undefined) return undefined;
  context.stdout.write('Press Enter for a new address, for another browser.\n');
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => context.stdout.write(`${signInUrl()}\n`));
  return lines;
}
