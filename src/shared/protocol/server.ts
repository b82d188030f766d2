import { AppError } from '../errors';
import { PROTOCOL_VERSION, requests, subscriptions } from './contract';
import type { RequestName, SubscriptionName } from './contract';
import { ENGINE_LIMITS, addressed, decodeFrame, encodeFrame, peekFrame } from './frame';
import type { Frame, FrameKind } from './frame';
import { bodyProblem, isRequestName, isSubscriptionName, mismatch } from './names';
import { Feed } from './feed';
import type { Service } from './service';
import { sharedFrame } from './shared-event';
import { systemTimers } from './timers';
import type { Timers } from './timers';
import type { Transport } from './transport';

/** Streams that one window may have open at a time, requests and subscriptions together. */
const MAX_STREAMS = 256;

export interface ServeOptions {
  timers?: Timers;
  /** Checks what the service answers as well; a window checks it anyway. For tests. */
  checkOutputs?: boolean;
  /** Told of every error that was answered. */
  report?: (error: AppError) => void;
}

/**
 * Speaks the contract for `service` to one window. Every body is parsed by its schema; what cannot
 * be read is answered with a typed error and changes nothing else. Ends with the transport, which
 * `close` closes.
 */
export function serve(
  service: Service,
  transport: Transport,
  options: ServeOptions = {},
): { close(): void } {
  const session = new Session(service, transport, options);
  return { close: () => session.close() };
}

class Session {
  private greeted = false;
  private closed = false;
  private held = false;
  private readonly running = new Map<number, AbortController>();
  private readonly feeds = new Map<number, Feed>();
  private readonly timers: Timers;

  constructor(
    private readonly service: Service,
    private readonly transport: Transport,
    private readonly options: ServeOptions,
  ) {
    this.timers = options.timers ?? systemTimers;
    transport.onClose(() => this.end());
    transport.onFlow?.((open) => {
      this.held = !open;
      for (const feed of this.feeds.values()) feed.hold(!open);
    });
    transport.onMessage((bytes) => this.receive(bytes));
  }

  close(): void {
    for (const stream of this.feeds.keys()) this.send('end', stream, {});
    this.end();
    this.transport.close('The engine closed the connection.');
  }

  private end(): void {
    this.closed = true;
    for (const controller of this.running.values()) controller.abort();
    for (const feed of this.feeds.values()) feed.close();
    this.running.clear();
    this.feeds.clear();
  }

  private receive(bytes: Uint8Array): void {
    if (this.closed) return;
    try {
      this.dispatch(decodeFrame(bytes, ENGINE_LIMITS));
    } catch (thrown) {
      const peeked = peekFrame(bytes);
      const opens = peeked?.kind === 'request' || peeked?.kind === 'subscribe';
      // Only what would have opened a stream is answered on it: another stream may be in good use.
      const stream = opens && !this.isOpen(peeked.stream) ? peeked.stream : 0;
      this.fail(stream, AppError.from(thrown));
    }
  }

  private dispatch(frame: Frame): void {
    switch (frame.kind) {
      case 'request':
        this.open(frame);
        void this.answer(frame);
        return;
      case 'subscribe':
        this.open(frame);
        this.subscribe(frame);
        return;
      case 'cancel':
        this.running.get(frame.stream)?.abort();
        return;
      case 'credit':
        // After an unsubscription credit may still be on its way: it is no error.
        this.feeds.get(frame.stream)?.grant(frame.body.n);
        return;
      case 'unsubscribe':
        this.feeds.get(frame.stream)?.close();
        this.feeds.delete(frame.stream);
        return;
      case 'response':
      case 'error':
      case 'event':
      case 'end':
        throw new AppError('bad_message', `A window may not send a frame of kind ${frame.kind}.`);
    }
  }

  private open(frame: Frame): void {
    if (frame.stream === 0) throw new AppError('bad_message', 'Stream 0 cannot be opened.');
    if (this.isOpen(frame.stream)) {
      throw new AppError('bad_message', `Stream ${frame.stream} is already open.`);
    }
    if (this.running.size + this.feeds.size >= MAX_STREAMS) {
      throw new AppError('busy', `This connection already has ${MAX_STREAMS} open streams.`, {
        remedy: 'Wait for earlier answers.',
      });
    }
    if (!this.greeted && frame.name !== 'hello') {
      throw new AppError('bad_message', 'The first message of a connection must be hello.');
    }
  }

  private isOpen(stream: number): boolean {
    return this.running.has(stream) || this.feeds.has(stream);
  }

  private async answer({ stream, name = '', body }: Frame): Promise<void> {
    const controller = new AbortController();
    this.running.set(stream, controller);
    try {
      if (!isRequestName(name)) throw unknown('request', name);
      if (name === 'hello') this.greet(body);
      const output = await this.call(name, body, controller.signal);
      if (!this.closed) this.send('response', stream, output);
    } catch (thrown) {
      if (!this.closed) this.fail(stream, AppError.from(thrown));
    } finally {
      if (this.running.get(stream) === controller) this.running.delete(stream);
    }
  }

  private async call(name: RequestName, body: unknown, signal: AbortSignal) {
    const input = requests[name].input.safeParse(body);
    if (!input.success) throw bodyProblem(name, input.error);
    const output = await this.service.request(name, input.data, signal);
    this.check(name, requests[name].output, output);
    return output;
  }

  private greet(body: Frame['body']): void {
    // Looked at before the schema: a newer window's hello may have fields that ours lacks.
    if (typeof body.protocol === 'number' && body.protocol !== PROTOCOL_VERSION) {
      throw mismatch(body.protocol, PROTOCOL_VERSION);
    }
    this.greeted = true;
  }

  private subscribe({ stream, name = '', body }: Frame): void {
    if (!isSubscriptionName(name)) throw unknown('subscription', name);
    const input = subscriptions[name].input.safeParse(body);
    if (!input.success) throw bodyProblem(name, input.error);
    const feed = new Feed(name, this.timers, {
      send: (event, seq) => {
        this.check(name, subscriptions[name].event, event);
        this.sendEvent(stream, event, seq);
      },
      fail: (error) => {
        this.feeds.delete(stream);
        this.fail(stream, error);
      },
    });
    this.feeds.set(stream, feed);
    feed.hold(this.held);
    try {
      feed.start((changed) => this.service.subscribe(name, input.data, changed));
    } catch (thrown) {
      this.feeds.delete(stream);
      throw thrown;
    }
  }

  private check(
    name: RequestName | SubscriptionName,
    schema: { safeParse(value: unknown): { success: boolean; error?: Error } },
    value: unknown,
  ): void {
    if (this.options.checkOutputs !== true) return;
    const result = schema.safeParse(value);
    if (result.success) return;
    throw new AppError('internal', `The engine's ${name} breaks the contract.`, {
      cause: result.error,
    });
  }

  private fail(stream: number, error: AppError): void {
    this.options.report?.(error);
    this.send('error', stream, { ...error.toBody() });
  }

  private sendEvent(stream: number, body: Frame['body'], seq: number): void {
    const frame = sharedFrame(body);
    if (frame === undefined) this.send('event', stream, body, seq);
    else if (this.transport.sendShared) this.transport.sendShared(frame, stream, seq);
    else this.transport.send(addressed(frame, stream, seq));
  }

  private send(kind: FrameKind, stream: number, body: Frame['body'], seq = 0): void {
    this.transport.send(encodeFrame({ kind, stream, seq, body }));
  }
}

function unknown(what: string, name: string): AppError {
  return new AppError(
    'unknown_endpoint',
    `There is no ${what} ${JSON.stringify(name.slice(0, 80))}.`,
    {
      remedy: 'The window and the engine may be of different versions: restart Protodiff.',
    },
  );
}
