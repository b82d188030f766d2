import { AppError } from '@shared/errors';
import type { Source } from '@shared/protocol/service';
import type { Jobs } from './run/jobs';

export interface Progress {
  phase: 'waiting' | 'working' | 'done';
  done: number;
  total: number;
  eta_s: number | null;
  seconds: number;
}

export interface Work<Piece, Event> {
  /** Pieces that there will be, as far as is known now. */
  readonly total: number;
  /** Called when its turn has come; each piece is one network call at most. */
  begin(): Generator<Piece, void, void>;
  add(piece: Piece): void;
  /** What has come since the last event. */
  take(now: Progress): Event;
}

/**
 * Work that lives as long as its subscription: a job from when it is `ready`, given up when the
 * subscription ends.
 */
export function workSource<Piece, Event>(
  jobs: Jobs,
  work: Work<Piece, Event>,
  changed: () => void,
  ready?: Promise<unknown>,
): Source<Event> {
  let pieces: Generator<Piece, void, void> | null = null;
  let started = 0;
  let ended = 0;
  let done = 0;
  let dirty = true;
  let failure: AppError | null = null;
  let closed = false;
  let giveUp = (): void => undefined;
  const tell = (): void => {
    dirty = true;
    if (!closed) changed();
  };
  const fail = (error: AppError): void => {
    failure = error;
    tell();
  };
  const start = (): void => {
    if (closed) return;
    giveUp = jobs.add({
      advance() {
        started ||= performance.now();
        pieces ??= work.begin();
        const turn = pieces.next();
        if (!turn.done) {
          work.add(turn.value);
          done += 1;
        } else {
          ended = performance.now();
        }
        tell();
        return turn.done === true;
      },
      fail,
    });
  };
  if (ready === undefined) start();
  else ready.then(start, (thrown) => fail(AppError.from(thrown)));
  return {
    pull() {
      if (failure !== null) throw failure;
      if (!dirty) return undefined;
      dirty = false;
      const { total } = work;
      const seconds = started === 0 ? 0 : ((ended || performance.now()) - started) / 1000;
      return work.take({
        phase: ended > 0 ? 'done' : started > 0 ? 'working' : 'waiting',
        done,
        total,
        seconds,
        eta_s: ended > 0 ? 0 : done < 2 ? null : (seconds / done) * (total - done),
      });
    },
    close() {
      closed = true;
      giveUp();
      pieces?.return();
      pieces = null;
    },
  };
}
