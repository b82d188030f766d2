import { AppError } from '../errors';
import { Connection, cancelled } from './connection';
import { subscriptions } from './contract';
import type {
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from './contract';
import { systemTimers } from './timers';
import type { Timers } from './timers';
import type { Transport } from './transport';

/** `connecting` also before the first call; `lost` tells why, and is left by itself. */
export interface ConnectionState {
  state: 'connecting' | 'open' | 'lost';
  reason?: string;
}

export interface SubscribeOptions {
  /** After a reconnection a lossless subscription starts over: clear what was gathered. */
  onReset?: () => void;
  /** The engine refused or ended the subscription; no event follows. Default: `report`. */
  onError?: (error: AppError) => void;
}

export interface Client {
  /**
   * Waits while a connection is being made.
   * @throws AppError of the engine; `unavailable` when the connection is lost; `cancelled`
   */
  request<N extends RequestName>(
    name: N,
    input: RequestInput<N>,
    options?: { signal?: AbortSignal },
  ): Promise<RequestOutput<N>>;
  /** Lives through reconnections until the returned function is called. */
  subscribe<N extends SubscriptionName>(
    name: N,
    input: SubscriptionInput<N>,
    onEvent: (event: SubscriptionEvent<N>) => void | Promise<void>,
    options?: SubscribeOptions,
  ): () => void;
  readonly state: ConnectionState;
  /** The engine's last greeting: versions, backend, machine, workspace. */
  readonly hello: RequestOutput<'hello'> | undefined;
  /** Calls at once with the present state, then at every change. */
  onState(listener: (state: ConnectionState) => void): () => void;
  close(): void;
}

export interface ClientOptions {
  timers?: Timers;
  /** Told of errors that reach no caller. */
  report?: (error: AppError) => void;
  /** A greeting not answered within this time counts as a lost connection. Default 30 s. */
  helloMs?: number;
}

const BACKOFF_MS = { first: 100, most: 5000 };
/** A connection that lived this long was a good one: the next back-off starts anew. */
const STEADY_MS = 2000;

interface Subscription {
  attach(connection: Connection): void;
  detach: (() => void) | undefined;
  /** Called before the first event that follows a reconnection. */
  restart(): void;
}

/** Connects with the first call, and after a loss again, with back-off, until `close`. */
export function createClient(
  connect: () => Promise<Transport>,
  options: ClientOptions = {},
): Client {
  return new ReconnectingClient(connect, options);
}

class ReconnectingClient implements Client {
  state: ConnectionState = { state: 'connecting' };
  hello: RequestOutput<'hello'> | undefined;
  private attempt: Promise<Connection> | undefined;
  private connection: Connection | undefined;
  private readonly subscriptions = new Set<Subscription>();
  private readonly stateListeners = new Set<(state: ConnectionState) => void>();
  private readonly timers: Timers;
  private backoff = BACKOFF_MS.first;
  private openedAt = 0;
  private retry: unknown;
  private closed = false;

  constructor(
    private readonly connect: () => Promise<Transport>,
    private readonly options: ClientOptions,
  ) {
    this.timers = options.timers ?? systemTimers;
  }

  async request<N extends RequestName>(
    name: N,
    input: RequestInput<N>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<RequestOutput<N>> {
    if (signal?.aborted) throw cancelled(name);
    const connection = await this.ready();
    if (signal?.aborted) throw cancelled(name);
    return connection.request(name, input, signal);
  }

  subscribe<N extends SubscriptionName>(
    name: N,
    input: SubscriptionInput<N>,
    onEvent: (event: SubscriptionEvent<N>) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): () => void {
    const subscription: Subscription = {
      detach: undefined,
      restart: () => {
        if (subscriptions[name].delivery === 'lossless') options.onReset?.();
      },
      attach: (connection) => {
        subscription.detach = connection.listen(name, input, onEvent, (error) => {
          this.subscriptions.delete(subscription);
          (options.onError ?? this.report)(error);
        });
      },
    };
    this.subscriptions.add(subscription);
    if (this.connection !== undefined) subscription.attach(this.connection);
    else this.ready().catch(toldByState);
    return () => {
      this.subscriptions.delete(subscription);
      subscription.detach?.();
    };
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.stateListeners.add(listener);
    listener(this.state);
    return () => this.stateListeners.delete(listener);
  }

  close(): void {
    this.closed = true;
    if (this.retry !== undefined) this.timers.clear(this.retry);
    this.subscriptions.clear();
    this.connection?.close();
    this.connection = undefined;
    this.attempt = undefined;
    this.become({ state: 'lost', reason: 'The connection was closed.' });
  }

  private readonly report = (error: AppError): void => this.options.report?.(error);

  /** The connection, which may still be greeting, or the attempt under way, or a new one. */
  private ready(): Promise<Connection> {
    if (this.closed) return Promise.reject(new AppError('unavailable', 'The client was closed.'));
    this.attempt ??= this.open();
    return this.attempt;
  }
  private async open(): Promise<Connection> {
    if (this.retry !== undefined) this.timers.clear(this.retry);
    this.retry = undefined;
    this.become({ state: 'connecting' });
    try {
      const transport = await this.connect();
      const connection: Connection = new Connection(transport, this.report, (reason) => {
        // Before the greeting the rejected hello tells the same.
        if (connection === this.connection && this.state.state === 'open') this.lose(reason, true);
      });
      this.connection = connection;
      void this.greet(connection);
      return connection;
    } catch (thrown) {
      const error = AppError.from(thrown);
      this.lose(error.message, true);
      throw offline(error);
    }
  }

  /** All that is wanted goes out with the greeting: a busy engine answers it in one turn. */
  private async greet(connection: Connection): Promise<void> {
    let timer: unknown;
    const silence = new Promise<never>((_resolve, reject) => {
      timer = this.timers.set(
        () => reject(new AppError('unavailable', 'The engine did not answer.')),
        this.options.helloMs ?? 30_000,
      );
    });
    const hello = connection.hello();
    const again = [...this.subscriptions].filter(({ detach }) => detach !== undefined);
    for (const subscription of this.subscriptions) subscription.attach(connection);
    try {
      this.hello = await Promise.race([hello, silence]);
      if (this.closed) throw new AppError('unavailable', 'The client was closed.');
      this.openedAt = this.timers.now();
      this.become({ state: 'open' });
      for (const subscription of again) {
        if (this.subscriptions.has(subscription)) subscription.restart();
      }
      connection.welcomed();
    } catch (thrown) {
      const error = AppError.from(thrown);
      connection.close(offline(error));
      this.lose(error.message, error.code !== 'protocol_mismatch');
    } finally {
      this.timers.clear(timer);
    }
  }

  private lose(reason: string, again: boolean): void {
    this.connection = undefined;
    this.attempt = undefined;
    if (this.closed) return;
    this.become({ state: 'lost', reason });
    if (!again) return;
    const steady = this.openedAt > 0 && this.timers.now() - this.openedAt >= STEADY_MS;
    this.openedAt = 0;
    if (steady) this.backoff = BACKOFF_MS.first;
    const wait = this.backoff;
    this.backoff = Math.min(BACKOFF_MS.most, wait * 2);
    this.retry = this.timers.set(() => void this.ready().catch(toldByState), wait);
  }

  private become(state: ConnectionState): void {
    if (this.closed && state.state !== 'lost') return;
    if (state.state === this.state.state && state.reason === this.state.reason) return;
    this.state = state;
    for (const listener of this.stateListeners) listener(state);
  }
}

/** What fails while there is no connection says so. */
function offline(error: AppError): AppError {
  return error.code === 'internal'
    ? new AppError('unavailable', error.message, { cause: error })
    : error;
}

/** A failed attempt is told by the state and retried; nobody waits for this promise itself. */
function toldByState(): void {}
