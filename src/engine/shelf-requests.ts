import type { RequestInput, RequestName, RequestOutput } from '@shared/protocol/contract';
import { exportRun, importRun } from '../store/bundle';
import type { RunStore } from '../store/port';
import { topic } from './topics';
import type { Topics } from './topics';

type Names =
  | 'run.label'
  | 'run.keep'
  | 'run.delete'
  | 'run.restore'
  | 'runs.trash'
  | 'run.erase'
  | 'runs.empty_trash'
  | 'run.copy'
  | 'run.export'
  | 'run.import';
type Handlers = {
  [N in Extract<RequestName, Names>]: (
    input: RequestInput<N>,
  ) => RequestOutput<N> | Promise<RequestOutput<N>>;
};

/** What a person does with whole runs; each change is told to whoever shows the list. */
export function shelfRequests(store: () => RunStore, topics: Topics): Handlers {
  const told = <T>(done: T): T => {
    topics.changed(topic.runs);
    return done;
  };
  return {
    'run.label': ({ run, change }) => told({ labels: store().shelf.label(run, change) }),
    'run.keep': ({ run, step, keep }) => told({ kept: store().shelf.keep(run, [step], keep) }),
    'run.delete': ({ run }) => told({ trashed: store().shelf.remove(run) }),
    'run.restore': ({ trashed }) => told({ run: store().shelf.restore(trashed) }),
    'runs.trash': () => ({ trashed: store().shelf.trash() }),
    'run.erase': ({ trashed }) => store().shelf.erase(trashed),
    'runs.empty_trash': () => store().shelf.emptyTrash(),
    'run.copy': ({ run }) => told({ run: store().shelf.copy(run) }),
    'run.export': ({ run }) => exportRun(store().root, run),
    'run.import': async ({ file }) => told(await importRun(store().root, file)),
  };
}
