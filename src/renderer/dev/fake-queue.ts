import { AppError } from '@shared/errors';
import type { RequestInput, RequestName, SubscriptionEvent } from '@shared/protocol/contract';
import type { QueueJob } from '@shared/protocol/contract-queue';

/** The queue of the made-up engine: it holds jobs and trains none. */
export class FakeQueue {
  private jobs: QueueJob[] = [];
  private running = false;
  private issued = 0;

  event(): SubscriptionEvent<'queue'> {
    return { running: this.running, jobs: this.jobs.map((job) => ({ ...job })) };
  }

  answer(name: RequestName, input: unknown): unknown {
    switch (name) {
      case 'queue.check': {
        const { configs } = input as RequestInput<'queue.check'>;
        return {
          problems: configs.map(() => null),
          seconds: configs.map(({ training }) => 0.2 * training.steps),
        };
      }
      case 'queue.add':
        return this.add(input as RequestInput<'queue.add'>);
      case 'queue.move': {
        const { job, before } = input as RequestInput<'queue.move'>;
        const moved = this.jobs.filter((each) => each.job === job);
        const others = this.jobs.filter((each) => each.job !== job);
        const at = others.findIndex((each) => each.job === before);
        others.splice(at < 0 ? others.length : at, 0, ...moved);
        this.jobs = others;
        return {};
      }
      case 'queue.remove': {
        const { jobs } = input as RequestInput<'queue.remove'>;
        this.set(jobs, 'cancelled');
        return { removed: jobs };
      }
      case 'queue.restore':
        this.set((input as RequestInput<'queue.restore'>).jobs, 'queued');
        return {};
      case 'queue.start':
      case 'queue.pause':
        this.running = name === 'queue.start';
        return {};
      default:
        throw new AppError('unknown_endpoint', `${name} is not made up.`);
    }
  }

  private add({ jobs, asked, sweep }: RequestInput<'queue.add'>): unknown {
    const name = sweep ? `sweep-20260101-12000${this.issued}` : null;
    const added = jobs.map(({ config, differs }): QueueJob => {
      this.issued += 1;
      return {
        ...{ job: this.issued, state: 'queued', run: null, problem: null, sweep: name },
        ...{ preset: config.preset, data: config.data.source.kind, differs, asked },
        ...{ steps: config.training.steps, seconds: 0.2 * config.training.steps },
        ...{ elsewhere: false, added: 0 },
      };
    });
    this.jobs = [...this.jobs, ...added];
    return { jobs: added.map(({ job }) => job), sweep: name };
  }

  private set(jobs: readonly number[], state: QueueJob['state']): void {
    this.jobs = this.jobs.map((job) => (jobs.includes(job.job) ? { ...job, state } : job));
  }
}
