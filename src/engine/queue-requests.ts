import { settingWords } from '@shared/config/settings';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { RequestInput, RequestName, RequestOutput } from '@shared/protocol/contract';
import type { RunStore } from '../store/port';
import { retryJob } from '../store/queue';
import type { Datasets } from './datasets';
import type { QueueRunner } from './queue';
import { checkDataFits } from './run/open';
import { topic } from './topics';
import type { Topics } from './topics';
import { geometryOf } from './training/program';

type Names = Extract<RequestName, `queue.${string}`>;
type Handlers = {
  [N in Names]: (input: RequestInput<N>) => RequestOutput<N> | Promise<RequestOutput<N>>;
};

export interface QueueContext {
  store(): RunStore;
  datasets(): Datasets;
  runner(): QueueRunner;
  topics: Topics;
  seconds(config: RunConfig): number | null;
}

/** What a person does with the queue; each change is told to whoever shows it. */
export function queueRequests({
  store,
  datasets,
  runner,
  topics,
  seconds,
}: QueueContext): Handlers {
  const told = (act: () => unknown): Record<string, never> => {
    act();
    topics.changed(topic.queue);
    return {};
  };
  const problemOf = async (config: RunConfig): Promise<AppError | null> => {
    try {
      geometryOf(config);
      checkDataFits(config, await datasets().load(config.data));
      return null;
    } catch (thrown) {
      return AppError.from(thrown);
    }
  };
  return {
    'queue.check': async ({ configs }) => {
      const problems: (string | null)[] = [];
      for (const config of configs) {
        const error = await problemOf(config);
        problems.push(error && [error.message, error.remedy].filter(Boolean).join(' '));
      }
      return { problems, seconds: configs.map(seconds) };
    },
    'queue.add': async ({ jobs, asked, sweep, then = 'start' }) => {
      for (const { config, differs } of jobs) {
        const error = await problemOf(config);
        if (error === null) continue;
        const which = differs.length === 0 ? '' : `${settingWords(differs)}: `;
        throw new AppError(error.code, `${which}${error.message}`, {
          ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
          cause: error,
        });
      }
      const starts = then === 'start' && !runner().held && !runner().waits;
      const added = store().queue.add(jobs, { asked, sweep, reserve: then === 'reserve' });
      topics.changed(topic.queue);
      if (starts) runner().start();
      return added;
    },
    'queue.move': ({ job, before }) => told(() => store().queue.move(job, before)),
    'queue.remove': ({ jobs }) => {
      const removed = store().queue.remove(jobs);
      topics.changed(topic.queue);
      return { removed };
    },
    'queue.restore': ({ jobs }) =>
      told(() => {
        store().queue.restore(jobs);
        runner().next();
      }),
    'queue.retry': ({ job }) =>
      told(() => {
        retryJob(store(), job);
        runner().next();
      }),
    'queue.clear': () => {
      const cleared = store().queue.clear();
      topics.changed(topic.queue);
      return { cleared };
    },
    'queue.start': ({ sweep }) => told(() => runner().start(sweep)),
    'queue.pause': async ({ interrupt = false }) => {
      await runner().pause(interrupt);
      return {};
    },
  };
}
