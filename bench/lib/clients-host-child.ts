import { join } from 'node:path';
import { startServer } from '../../src/serve/server';

/** The host of bench/clients.ts, by itself so that its memory can be read; IPC tells where it is. */
const [workspace = '', folder = ''] = process.argv.slice(2);

void startServer({
  ...{ workspace, resources: '/r', importer: '/i', version: '0', port: 0 },
  page: join(process.cwd(), 'out/renderer'),
  engineEntry: join(folder, 'clients-engine-child.cjs'),
}).then((server) => {
  const ready = setInterval(() => {
    const { state, engine } = {
      state: server.supervisor.state.state,
      engine: server.supervisor.engine,
    };
    if (state !== 'ready') return;
    clearInterval(ready);
    process.send?.({ port: server.port, url: server.signInUrl(), engine: engine?.pid });
  }, 50);
  process.on('message', () => void server.close().then(() => process.exit(0)));
});
