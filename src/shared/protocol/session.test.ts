import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../errors';
import { ndarray } from '../maths/ndarray';
import { createClient } from './client';
import type { Client, ClientOptions } from './client';
import { subscriptions } from './contract';
import { decodeFrame, encodeFrame } from './frame';
import type { Frame } from './frame';
import { memoryPair } from './memory-transport';
import { serve } from './server';
import { HandTimers, curvesSource, fakeService, settle } from './testing';
import type { Transport } from './transport';

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function setUp(tables: Parameters<typeof fakeService>[0], options: ClientOptions = {}) {
  const timers = new HandTimers();
  const links: { close(): void }[] = [];
  const served: AppError[] = [];
  const client = createClient(
    async () => {
      const [near, far] = memoryPair();
      const report = (error: AppError): void => void served.push(error);
      links.push(serve(fakeService(tables), far, { timers, checkOutputs: true, report }));
      return near;
    },
    { timers, ...options },
  );
  clients.push(client);
  return { client, timers, links, served };
}

const failure = async (promise: Promise<unknown>): Promise<AppError> => {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error('was expected to fail');
};

describe('requests', () => {
  it('connect on the first call, greet, and answer with arrays', async () => {
    const images = ndarray(new Uint8Array([1, 2, 3, 4]), [1, 2, 2, 1]);
    const settings = {
      ...{ sampler: 'ddim', steps: 5, eta: 0, count: 1, weights: 'ema', draw: 'per_image' },
      ...{ seed: 1, run: 'r', step: 9, prototypes: [0], seconds: 1 },
    };
    const { client } = setUp({ answers: { 'samples.get': () => ({ settings, images }) } });
    expect(client.state).toEqual({ state: 'connecting' });
    const answer = await client.request('samples.get', { run: 'r', step: 9 });
    expect(answer.images).toEqual(images);
    expect(client.state).toEqual({ state: 'open' });
    expect(client.hello?.app_version).toBe('0.0.0');
  });

  it('run at the same time and answer in any order', async () => {
    const gates: (() => void)[] = [];
    const { client } = setUp({
      answers: {
        'run.pause': ({ run }: { run: string }) =>
          new Promise((done) => gates.push(() => done({ step: run === 'a' ? 1 : 2 }))),
      },
    });
    const order: number[] = [];
    const both = ['a', 'b'].map(async (run) =>
      order.push((await client.request('run.pause', { run })).step),
    );
    await settle();
    gates[1]?.();
    await settle();
    gates[0]?.();
    await Promise.all(both);
    expect(order).toEqual([2, 1]);
  });

  it('reject with the code and the remedy of the engine', async () => {
    const thrown = new AppError('busy', 'Another run trains.', { remedy: 'Stop it first.' });
    const { client } = setUp({
      answers: {
        'run.stop': () => {
          throw thrown;
        },
      },
    });
    const error = await failure(client.request('run.stop', { run: 'r' }));
    expect(error.toBody()).toEqual(thrown.toBody());
  });

  it('name the field of a bad input, and an endpoint that is not there', async () => {
    const { client } = setUp({});
    const bad = await failure(client.request('run.get', { run: '../x' }));
    expect(bad.code).toBe('bad_message');
    expect(bad.message).toContain('run: not a run id');
    // Not in the type: as a newer window would.
    const odd = await failure(client.request('run.fly' as 'run.get', { run: 'r' }));
    expect(odd.code).toBe('unknown_endpoint');
    expect(odd.message).toContain('"run.fly"');
    const proto = await failure(client.request('toString' as 'run.get', { run: 'r' }));
    expect(proto.code).toBe('unknown_endpoint');
  });

  it('tell when the engine breaks the contract', async () => {
    const { client, served } = setUp({ answers: { 'run.pause': () => ({ step: -1 }) } });
    expect((await failure(client.request('run.pause', { run: 'r' }))).code).toBe('internal');
    expect(served[0]?.message).toContain('run.pause');
  });

  it('are cancelled on both sides, at once on this one', async () => {
    let aborted = false;
    const { client } = setUp({
      answers: {
        'run.start': (_input, signal) =>
          new Promise((_done, reject) =>
            signal.addEventListener('abort', () => {
              aborted = true;
              reject(new AppError('cancelled', 'stopped'));
            }),
          ),
      },
    });
    const controller = new AbortController();
    await client.request('hello', { protocol: 1 });
    const config = (await import('../config/presets')).PRESETS.tiny;
    const pending = failure(client.request('run.start', { config }, { signal: controller.signal }));
    await settle();
    controller.abort();
    expect((await pending).code).toBe('cancelled');
    await settle();
    expect(aborted).toBe(true);
    const early = client.request('run.pause', { run: 'r' }, { signal: controller.signal });
    expect((await failure(early)).code).toBe('cancelled');
  });
});

describe('the greeting', () => {
  const talk = async (...frames: Frame[]): Promise<Frame[]> => {
    const [near, far] = memoryPair();
    serve(fakeService({}), far);
    const answers: Frame[] = [];
    near.onMessage((bytes) => answers.push(decodeFrame(bytes)));
    for (const frame of frames) near.send(encodeFrame(frame));
    await settle();
    return answers;
  };
  const hello = (body: Frame['body'], stream = 1): Frame => ({
    ...{ kind: 'request', stream, seq: 0, name: 'hello', body },
  });

  it.each([
    [2, 'engine is older'],
    [0, 'window is older'],
  ])('of version %i is a mismatch that says who is older', async (protocol, words) => {
    const [answer] = await talk(hello({ protocol, future_field: true }));
    expect(answer?.kind).toBe('error');
    expect(answer?.body.code).toBe('protocol_mismatch');
    expect(answer?.body.message).toContain(words);
  });

  it('comes first, and the connection lives on when it did not', async () => {
    const answers = await talk(
      { kind: 'request', stream: 1, seq: 0, name: 'runs.list', body: {} },
      hello({ protocol: 1 }, 2),
    );
    expect(answers.map(({ kind, stream }) => [kind, stream])).toEqual([
      ['error', 1],
      ['response', 2],
    ]);
    expect(answers[0]?.body.message).toContain('hello');
  });

  it('that mismatches is not tried again', async () => {
    const timers = new HandTimers();
    let tries = 0;
    const connect = async (): Promise<Transport> => {
      tries += 1;
      const [near, far] = memoryPair();
      const mismatched = new AppError('protocol_mismatch', 'The window is older.');
      serve(fakeService({ answers: { hello: () => Promise.reject(mismatched) } }), far);
      return near;
    };
    const client = createClient(connect, { timers });
    clients.push(client);
    const error = await failure(client.request('runs.list', {}));
    expect(error.code).toBe('protocol_mismatch');
    await timers.advance(60_000);
    expect(tries).toBe(1);
    expect(client.state).toEqual({ state: 'lost', reason: 'The window is older.' });
  });
});

describe('subscriptions', () => {
  it('coalesce to one event every 100 ms, nothing lost, nothing twice', async () => {
    const source = curvesSource();
    const { client, timers } = setUp({ feeds: { curves: source.feed } });
    const seen: number[] = [];
    let events = 0;
    client.subscribe('curves', { run: 'r' }, (event) => {
      events += 1;
      seen.push(...event.step.data);
    });
    source.train(3);
    await timers.advance(0);
    expect(seen).toEqual([0, 1, 2]);
    for (let i = 0; i < 100; i += 1) {
      source.train(1);
      await timers.advance(1);
    }
    await timers.advance(110);
    expect(seen).toEqual(Array.from({ length: 103 }, (_, i) => i));
    expect(events).toBeLessThanOrEqual(3);
  });

  it('wait for a slow consumer: only the window is in flight, the rest comes as one', async () => {
    const source = curvesSource();
    const { client, timers } = setUp({ feeds: { curves: source.feed } });
    const open: (() => void)[] = [];
    const sizes: number[] = [];
    client.subscribe('curves', { run: 'r' }, (event) => {
      sizes.push(event.step.data.length);
      return new Promise<void>((done) => open.push(done));
    });
    await timers.advance(0);
    for (let i = 0; i < 50; i += 1) {
      source.train(1);
      await timers.advance(110);
    }
    expect(sizes).toEqual([1, 1, 1, 1]);
    expect(source.state.pulls).toBe(4);
    open[0]?.();
    await timers.advance(110);
    expect(sizes).toEqual([1, 1, 1, 1, 46]);
  });

  it('of the latest state skip what was replaced', async () => {
    const state = { value: 0, changed: (): void => undefined };
    const { client, timers } = setUp({
      feeds: {
        status: (_input, changed) => {
          state.changed = changed;
          return {
            pull: () => ({
              active: null,
              memory: { rss_bytes: state.value, total_bytes: 1 },
              notices: [],
            }),
            close: () => undefined,
          };
        },
      },
    });
    const seen: number[] = [];
    const open: (() => void)[] = [];
    client.subscribe('status', {}, (event) => {
      seen.push(event.memory.rss_bytes);
      return new Promise<void>((done) => open.push(done));
    });
    await timers.advance(0);
    for (let i = 1; i <= 20; i += 1) {
      state.value = i;
      state.changed();
      await timers.advance(200);
    }
    expect(seen).toEqual([0, 1]);
    open[0]?.();
    await timers.advance(200);
    expect(seen).toEqual([0, 1, 20]);
  });

  it('stop at the engine when the window unsubscribes or goes', async () => {
    const source = curvesSource();
    const { client, timers } = setUp({ feeds: { curves: source.feed } });
    const seen = vi.fn();
    const stop = client.subscribe('curves', { run: 'r' }, seen);
    client.subscribe('curves', { run: 'r' }, () => undefined);
    await timers.advance(0);
    stop();
    await timers.advance(0);
    expect(source.state.closed).toBe(1);
    source.train(1);
    await timers.advance(100);
    expect(seen).not.toHaveBeenCalled();
    client.close();
    await settle();
    expect(source.state.closed).toBe(2);
    expect(timers.waiting).toBe(0);
  });

  it('end with the error of their source; other subscriptions go on', async () => {
    const source = curvesSource();
    const { client, timers } = setUp({
      feeds: {
        curves: source.feed,
        samples: () => {
          throw new AppError('not_found', 'There is no run r.');
        },
        runs: () => ({
          pull: () => {
            throw new Error('disk on fire');
          },
          close: () => undefined,
        }),
      },
    });
    const errors: string[] = [];
    const onError = (error: AppError): void => void errors.push(`${error.code} ${error.message}`);
    const seen = vi.fn();
    client.subscribe('samples', { run: 'r' }, () => undefined, { onError });
    client.subscribe('runs', {}, () => undefined, { onError });
    client.subscribe('curves', { run: 'r' }, seen);
    await timers.advance(0);
    source.train(1);
    await timers.advance(100);
    expect(errors).toEqual(['not_found There is no run r.', 'internal disk on fire']);
    expect(seen).toHaveBeenCalledTimes(1);
  });

  it('survive a consumer that throws, and report it', async () => {
    const source = curvesSource();
    const reported: string[] = [];
    const { client, timers } = setUp(
      { feeds: { curves: source.feed } },
      { report: (error) => reported.push(error.message) },
    );
    let calls = 0;
    client.subscribe('curves', { run: 'r' }, () => {
      calls += 1;
      throw new Error(`plot ${calls}`);
    });
    for (let i = 0; i < 6; i += 1) {
      source.train(1);
      await timers.advance(110);
    }
    expect(reported).toEqual([1, 2, 3, 4, 5, 6].map((n) => `plot ${n}`));
  });

  it('have a delivery that the window size is known for', () => {
    for (const { delivery } of Object.values(subscriptions)) {
      expect(['lossless', 'latest']).toContain(delivery);
    }
  });
});

describe('a lost connection', () => {
  it('rejects what was pending, comes back, and starts lossless subscriptions over', async () => {
    const source = curvesSource();
    const { client, timers, links } = setUp({
      feeds: { curves: source.feed },
      answers: { 'run.pause': () => new Promise(() => undefined) },
    });
    const states: string[] = [];
    client.onState(({ state }) => states.push(state));
    let seen: number[] = [];
    client.subscribe('curves', { run: 'r' }, (event) => void seen.push(...event.step.data), {
      onReset: () => (seen = []),
    });
    source.train(5);
    await timers.advance(10);
    const pending = failure(client.request('run.pause', { run: 'r' }));
    await settle();
    links[0]?.close();
    const error = await pending;
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain('The engine closed the connection.');
    expect(client.state.state).toBe('lost');
    source.train(2);
    await timers.advance(200);
    expect(states).toEqual(['connecting', 'open', 'lost', 'connecting', 'open']);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('is tried again ever less often, and a new request tries at once', async () => {
    const timers = new HandTimers();
    const tries: number[] = [];
    const start = timers.now();
    const client = createClient(
      () => {
        tries.push(timers.now() - start);
        return Promise.reject(new Error('connection refused'));
      },
      { timers },
    );
    clients.push(client);
    const error = await failure(client.request('runs.list', {}));
    expect(error.toBody()).toEqual({ code: 'unavailable', message: 'connection refused' });
    await timers.advance(1500);
    expect(tries).toEqual([0, 100, 300, 700, 1500]);
    await failure(client.request('runs.list', {}));
    expect(tries.at(-1)).toBe(1500);
    expect(tries).toHaveLength(6);
  });

  it('is also one whose greeting is never answered', async () => {
    const timers = new HandTimers();
    const client = createClient(async () => memoryPair()[0], { timers, helloMs: 1000 });
    clients.push(client);
    const pending = failure(client.request('runs.list', {}));
    await timers.advance(1000);
    expect((await pending).message).toBe('The engine did not answer.');
  });

  it('stays closed when it was closed', async () => {
    const { client, timers } = setUp({});
    await client.request('hello', { protocol: 1 });
    client.close();
    await timers.advance(10_000);
    expect(client.state.state).toBe('lost');
    expect((await failure(client.request('runs.list', {}))).code).toBe('unavailable');
  });
});
