import type { FromEngine, HostState, ToEngine } from '@shared/protocol/host';
import { HandTimers } from '@shared/protocol/testing';
import { describe, expect, it } from 'vitest';
import type { EngineHandle } from './engine-handle';
import { createSupervisor } from './supervisor';

class FakeEngine implements EngineHandle {
  readonly sent: ToEngine[] = [];
  killed = 0;
  private message: (message: unknown) => void = () => undefined;
  private exited: (code: number | null, signal: string | null) => void = () => undefined;

  constructor(
    readonly pid: number,
    readonly env: Record<string, string>,
  ) {}

  postMessage(message: ToEngine): void {
    this.sent.push(message);
  }
  onMessage(handler: (message: unknown) => void): void {
    this.message = handler;
  }
  onExit(handler: (code: number | null, signal: string | null) => void): void {
    this.exited = handler;
  }
  kill(): void {
    this.killed += 1;
    this.exit(null, 'SIGKILL');
  }
  say(message: FromEngine): void {
    this.message(message);
  }
  exit(code: number | null, signal: string | null = null): void {
    this.exited(code, signal);
  }
}

function setUp() {
  const clock = new HandTimers();
  const engines: FakeEngine[] = [];
  const states: HostState[] = [];
  const relayed: FromEngine[] = [];
  const supervisor = createSupervisor({
    clock,
    fork: (env) => {
      const engine = new FakeEngine(100 + engines.length, env);
      engines.push(engine);
      return engine;
    },
    onChange: (state) => states.push(state),
    onMessage: (message) => relayed.push(message),
    log: () => ['the last words'],
  });
  supervisor.start();
  const last = (): FakeEngine => {
    const engine = engines.at(-1);
    if (engine === undefined) throw new Error('no engine was forked');
    return engine;
  };
  const names = (): string[] => states.map(({ state }) => state);
  return { clock, engines, last, names, relayed, states, supervisor };
}

const recover = (engine: FakeEngine): unknown => JSON.parse(engine.env.PROTODIFF_RECOVER ?? 'null');

describe('the supervisor', () => {
  it('tells when the engine starts and is ready, and relays what is for windows', () => {
    const { last, names, relayed } = setUp();
    last().say({ type: 'heartbeat' });
    last().say({ type: 'ready' });
    last().say({ type: 'close', client: 1, reason: 'x' });
    expect(names()).toEqual(['starting', 'ready']);
    expect(relayed).toEqual([{ type: 'close', client: 1, reason: 'x' }]);
    expect(recover(last())).toBeNull();
  });

  it('restarts a killed engine and tells the new one whom it follows', async () => {
    const { clock, engines, last, names, states } = setUp();
    last().say({ type: 'ready' });
    last().exit(null, 'SIGKILL');
    expect(names().at(-1)).toBe('crashed');
    expect(states.at(-1)?.detail).toContain('signal SIGKILL');
    await clock.advance(250);
    expect(engines).toHaveLength(2);
    expect(recover(last())).toEqual({ pid: 100, exit: 'signal SIGKILL' });
    last().say({ type: 'ready' });
    expect(names()).toEqual(['starting', 'ready', 'crashed', 'starting', 'ready']);
  });

  it('keeps the recovery for the next engine when one ends before it was ready', async () => {
    const { clock, last } = setUp();
    last().say({ type: 'ready' });
    last().exit(1);
    await clock.advance(250);
    last().exit(1);
    await clock.advance(1000);
    expect(recover(last())).toEqual({ pid: 100, exit: 'exit code 1' });
  });

  it('gives up after three crashes in five minutes, and starts afresh when asked', async () => {
    const { clock, engines, last, states, supervisor } = setUp();
    for (const wait of [250, 1000, 0]) {
      last().say({ type: 'ready' });
      last().exit(1);
      await clock.advance(wait);
    }
    await clock.advance(60_000);
    expect(engines).toHaveLength(3);
    expect(states.at(-1)?.state).toBe('gave_up');
    expect(states.at(-1)?.detail).toContain('3 times');
    expect(states.at(-1)?.log).toEqual(['the last words']);
    supervisor.restart();
    expect(engines).toHaveLength(4);
    expect(recover(last())).toBeNull();
    last().exit(1);
    expect(states.at(-1)?.state).toBe('crashed');
  });

  it('does not give up over crashes that are far apart', async () => {
    const { clock, engines, last } = setUp();
    for (let i = 0; i < 6; i += 1) {
      const engine = last();
      engine.say({ type: 'ready' });
      engine.exit(1);
      await clock.advance(1000);
      // A living engine beats.
      for (let s = 0; s < 300; s += 10) {
        last().say({ type: 'heartbeat' });
        await clock.advance(10_000);
      }
    }
    expect(engines).toHaveLength(7);
  });

  it('gives up at once, in the engine’s own words, when it says that it cannot start', async () => {
    const { clock, engines, last, states } = setUp();
    const error = { code: 'disk', message: 'The workspace is read-only.', remedy: 'Choose one.' };
    last().say({ type: 'failed', error: { ...error, code: 'disk' } });
    last().exit(1);
    await clock.advance(10_000);
    expect(engines).toHaveLength(1);
    expect(states.at(-1)).toMatchObject({
      state: 'gave_up',
      detail: 'The workspace is read-only. Choose one.',
    });
  });

  it('tells of 30 s of silence, takes it back, and kills only when asked', async () => {
    const { clock, engines, last, names, supervisor } = setUp();
    last().say({ type: 'ready' });
    await clock.advance(29_000);
    expect(names().at(-1)).toBe('ready');
    await clock.advance(2000);
    expect(names().at(-1)).toBe('not_responding');
    last().say({ type: 'heartbeat' });
    expect(names().at(-1)).toBe('ready');
    await clock.advance(31_000);
    await clock.advance(300_000);
    expect(last().killed).toBe(0);
    supervisor.restart();
    // It may only be slow: it is asked first.
    expect(last().sent).toEqual([{ type: 'stop' }]);
    await clock.advance(4900);
    expect(last().killed).toBe(0);
    await clock.advance(100);
    expect(engines[0]?.killed).toBe(1);
    await clock.advance(250);
    expect(engines).toHaveLength(2);
    expect(recover(last())).toEqual({ pid: 100, exit: 'signal SIGKILL' });
  });

  it('stops: asks, waits, kills after the grace, and starts no other', async () => {
    const { clock, engines, last, supervisor } = setUp();
    last().say({ type: 'ready' });
    let gone = false;
    const stopping = supervisor.stop(10_000).then(() => (gone = true));
    expect(last().sent).toEqual([{ type: 'stop' }]);
    await clock.advance(9000);
    expect(gone).toBe(false);
    await clock.advance(1000);
    await stopping;
    expect(engines[0]?.killed).toBe(1);
    await clock.advance(60_000);
    supervisor.start();
    expect(engines).toHaveLength(1);
    await supervisor.stop();
    expect(clock.waiting).toBe(0);
  });
});
