import { count } from '../components/format';
import type { Notice, RunState, RunSummary } from '@shared/protocol/contract';

/** Something that a person who looks elsewhere wants to hear of. */
export interface News {
  title: string;
  body: string;
}

const WORKING: readonly RunState[] = ['queued', 'running', 'paused'];

/**
 * What happened to the runs between two lists: one that trained and has ended by itself. A stop
 * was asked for, and is no news; a run that lost its engine is continued, which a notice tells.
 */
export function endings(before: readonly RunSummary[], after: readonly RunSummary[]): News[] {
  const worked = new Set(
    before.filter(({ state }) => WORKING.includes(state)).map(({ run }) => run),
  );
  return after
    .filter(({ run }) => worked.has(run))
    .flatMap(({ name, state, step, steps, problem }): News[] => {
      const at = `step ${count(step)} of ${count(steps)}`;
      switch (state) {
        case 'finished':
          return [{ title: `${name} has finished`, body: `All ${count(steps)} steps.` }];
        case 'failed':
          return [{ title: `${name} has failed`, body: problem ?? `At ${at}.` }];
        default:
          return [];
      }
    });
}

/** Notices beyond information that were not there before, such as a recovery. */
export function troubles(seen: ReadonlySet<string>, notices: readonly Notice[]): News[] {
  return notices
    .filter(({ id, level }) => level !== 'info' && !seen.has(id))
    .map(({ message, remedy }) => ({
      title: 'Protodiff',
      body: [message, remedy].join(' ').trim(),
    }));
}
