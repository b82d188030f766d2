import type { ErrorBody } from '@shared/errors';
import type { FromEngine, HostState, Recovery } from '@shared/protocol/host';
import { systemTimers } from '@shared/protocol/timers';
import type { Timers } from '@shared/protocol/timers';
import type { EngineHandle, Fork } from './engine-handle';

/** Without a word for so long an engine does not respond; PROTODIFF_SILENCE_MS is for tests. */
const SILENCE_MS = Number(process.env['PROTODIFF_SILENCE_MS'] ?? 30_000);
const CHECK_MS = 1000;
/** An engine that is to be restarted and does not end by itself is killed after this. */
const KILL_MS = 5000;
/** Wait before each restart; one crash more within the window and the supervisor gives up. */
const RESTART_MS = [250, 1000];
const CRASH_WINDOW_MS = 5 * 60_000;

export interface SupervisorOptions {
  fork: Fork;
  clock?: Timers;
  onChange(state: HostState): void;
  /** Messages that are not the supervisor's own: what the engine sends to a relayed window. */
  onMessage?(message: FromEngine): void;
  /** The last lines of the engine's log. */
  log?(): string[];
}

export interface Supervisor {
  readonly state: HostState;
  /** The live process, also while it starts: what is sent to it waits there. */
  readonly engine: EngineHandle | undefined;
  start(): void;
  /** The user's answer to `gave_up` or `not_responding`: an engine that lives is asked, then killed. */
  restart(): void;
  /** Asks the engine to end, and kills it after `graceMs`. Resolves when it has gone. */
  stop(graceMs?: number): Promise<void>;
}

/** Keeps one engine process alive; see `HostState` for what it tells. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new EngineSupervisor(options);
}

class EngineSupervisor implements Supervisor {
  engine: EngineHandle | undefined;
  state: HostState;
  private readonly clock: Timers;
  private heard = 0;
  private wasReady = false;
  private failure: ErrorBody | undefined;
  private recovery: Recovery | undefined;
  private crashes: number[] = [];
  private timer: unknown;
  private watch: unknown;
  private stopped: (() => void) | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.clock = options.clock ?? systemTimers;
    this.state = { state: 'starting', detail: 'The engine is starting.', at: this.clock.now() };
  }

  start(): void {
    if (this.engine !== undefined || this.stopped !== undefined) return;
    this.failure = undefined;
    this.wasReady = false;
    this.heard = this.clock.now();
    const env: Record<string, string> = this.recovery
      ? { PROTODIFF_RECOVER: JSON.stringify(this.recovery) }
      : {};
    const engine = this.options.fork(env);
    this.engine = engine;
    this.become(
      'starting',
      this.recovery === undefined
        ? 'The engine is starting.'
        : `The engine ended with ${this.recovery.exit} and is starting again; a run that it was training continues from its last checkpoint.`,
    );
    engine.onMessage((message) => {
      if (engine === this.engine) this.hear(message as FromEngine);
    });
    engine.onExit((code, signal) => {
      if (engine === this.engine) this.ended(engine, describe(code, signal));
    });
    this.watch = this.clock.set(() => this.checkSilence(), CHECK_MS);
  }

  restart(): void {
    if (this.timer !== undefined) this.clock.clear(this.timer);
    this.timer = undefined;
    this.crashes = [];
    const { engine } = this;
    if (engine !== undefined) {
      // Its exit starts the next one, which continues the run.
      engine.postMessage({ type: 'stop' });
      this.timer = this.clock.set(() => engine.kill(), KILL_MS);
      return;
    }
    // A run that ended the engine three times would do it again: the user continues it by hand.
    if (this.state.state === 'gave_up') this.recovery = undefined;
    this.start();
  }

  stop(graceMs = 10_000): Promise<void> {
    if (this.timer !== undefined) this.clock.clear(this.timer);
    const { engine } = this;
    return new Promise((resolve) => {
      const earlier = this.stopped;
      this.stopped = () => {
        earlier?.();
        resolve();
      };
      if (engine === undefined) return this.stopped();
      engine.postMessage({ type: 'stop' });
      this.timer = this.clock.set(() => engine.kill(), graceMs);
    });
  }

  private hear(message: FromEngine): void {
    this.heard = this.clock.now();
    const wasSilent = this.state.state === 'not_responding';
    if (message.type === 'ready') this.wasReady = true;
    if (message.type === 'ready' || (wasSilent && this.wasReady)) {
      this.become('ready', 'The engine is ready.');
    } else if (wasSilent) this.become('starting', 'The engine is starting.');
    if (message.type === 'failed') this.failure = message.error;
    if (message.type === 'data' || message.type === 'close') this.options.onMessage?.(message);
  }

  private checkSilence(): void {
    if (this.engine === undefined) return;
    const silent = this.clock.now() - this.heard;
    if (silent >= SILENCE_MS && this.state.state !== 'not_responding') {
      this.become(
        'not_responding',
        `The engine has not answered for ${Math.round(silent / 1000)} seconds. Wait, or restart it: a run continues from its last checkpoint.`,
      );
    }
    this.watch = this.clock.set(() => this.checkSilence(), CHECK_MS);
  }

  private ended(engine: EngineHandle, exit: string): void {
    this.engine = undefined;
    if (this.watch !== undefined) this.clock.clear(this.watch);
    if (this.timer !== undefined) this.clock.clear(this.timer);
    this.timer = undefined;
    if (this.stopped !== undefined) return this.stopped();

    // An engine that never got ready may not have taken up what the one before it left.
    if (this.wasReady || this.recovery === undefined) {
      this.recovery = { pid: engine.pid ?? 0, exit };
    }
    const { failure } = this;
    if (failure !== undefined) {
      return this.giveUp([failure.message, failure.remedy].filter(Boolean).join(' '));
    }
    const now = this.clock.now();
    this.crashes = [...this.crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    const wait = RESTART_MS[this.crashes.length - 1];
    if (wait === undefined) {
      return this.giveUp(
        `The engine ended ${this.crashes.length} times within five minutes, the last time with ${exit}. Restart it when the cause is gone; its log may name it.`,
      );
    }
    this.become('crashed', `The engine ended with ${exit}. It is being started again.`);
    this.timer = this.clock.set(() => this.start(), wait);
  }

  private giveUp(detail: string): void {
    this.become('gave_up', detail, this.options.log?.());
  }

  private become(state: HostState['state'], detail: string, log?: string[]): void {
    this.state = { state, detail, at: this.clock.now(), ...(log && { log }) };
    this.options.onChange(this.state);
  }
}

function describe(code: number | null, signal: string | null): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
}
