import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { fakeService } from '@shared/protocol/testing';
import { openStore } from '../../store';
import { ORIGIN } from '../../store/testing/workspace';
import { hostLink } from '../host-link';
import { runProcess } from '../run-process';

// For tests: an engine process in every respect but the engine, whose behaviour FIXTURE names.
const link = hostLink();
if (link === undefined) throw new Error('to be forked');
const behaviour = process.env.FIXTURE;

void runProcess({
  env: process.env,
  link,
  exit: (code) => process.exit(code),
  createEngine: async ({ workspace, recover }) => {
    if (behaviour === 'refuse') throw new AppError('disk', 'No room.', { remedy: 'Make some.' });
    if (behaviour === 'bug') throw new TypeError('x is not a function');
    // `trains`: has a run open, so its lock.
    const store = behaviour === 'trains' ? openStore(workspace) : undefined;
    const [run] = store?.list() ?? [];
    if (run === undefined) store?.create(ORIGIN);
    else store?.open(run.run);
    const service = fakeService({
      answers: {
        'notebooks.list': () => ({ notebooks: [{ name: recover?.exit ?? 'fresh', modified: 0 }] }),
        'runs.list': () => {
          setTimeout(() => {
            throw new Error('out of the blue');
          });
          return { runs: [] };
        },
      },
    });
    return {
      request: (...call) => service.request(...call),
      subscribe: (...call) => service.subscribe(...call),
      async close() {
        store?.close();
        writeFileSync(join(workspace, 'closed.txt'), 'closed');
      },
    };
  },
});
