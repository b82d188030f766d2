import { AppError } from '../errors';
import { ErrorBodySchema, PROTOCOL_VERSION, requests, subscriptions } from './contract';
import type {
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from './contract';
import { WINDOW_LIMITS, decodeFrame, encodeFrame, peekFrame } from './frame';
import type { Frame, FrameKind } from './frame';
import { bodyProblem } from './names';
import type { Transport } from './transport';

interface Pending {
  name: RequestName;
  resolve(output: unknown): void;
  reject(error: AppError): void;
}

interface Listener {
  name: SubscriptionName;
  onEvent(event: unknown): void | Promise<void>;
  onError(error: AppError): void;
}

/** Events in flight: enough to hide a round trip, few enough for a slow window. */
const WINDOW = { lossless: 4, latest: 2 } as const;

/** The stream of the greeting, which is the first. */
const GREETING = 1;

/**
 * The window's end of one transport, from its opening to its loss; never reopened. Requests and
 * subscriptions may follow the greeting at once; their answers wait for `welcomed`.
 */
export class Connection {
  private next = GREETING;
  private lost: AppError | undefined;
  /** What came before the greeting was answered and accepted. */
  private early: Uint8Array[] | undefined = [];
  private readonly pending = new Map<number, Pending>();
  private readonly listeners = new Map<number, Listener>();

  /** `report` is told of what reaches no caller: an unreadable frame, a consumer that throws. */
  constructor(
    private readonly transport: Transport,
    private readonly report: (error: AppError) => void,
    onLost: (reason: string) => void,
  ) {
    transport.onClose((reason) => {
      this.fail(unreachable(reason));
      onLost(reason);
    });
    transport.onMessage((bytes) => this.receive(bytes));
  }

  /** To be called first. @throws AppError `protocol_mismatch` */
  hello(): Promise<RequestOutput<'hello'>> {
    return this.request('hello', { protocol: PROTOCOL_VERSION });
  }

  /** The greeting is accepted: what came meanwhile is delivered. */
  welcomed(): void {
    const early = this.early ?? [];
    this.early = undefined;
    for (const bytes of early) this.receive(bytes);
  }

  request<N extends RequestName>(
    name: N,
    input: RequestInput<N>,
    signal?: AbortSignal,
  ): Promise<RequestOutput<N>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.lost !== undefined) return reject(this.lost);
      const stream = this.next++;
      const cancel = (): void => {
        if (!this.pending.delete(stream)) return;
        this.send('cancel', stream, {});
        reject(cancelled(name));
      };
      const settled = (): void => signal?.removeEventListener('abort', cancel);
      this.pending.set(stream, {
        name,
        resolve: (output) => (settled(), resolve(output)),
        reject: (error) => (settled(), reject(error)),
      });
      signal?.addEventListener('abort', cancel, { once: true });
      this.send('request', stream, input, name);
    }) as Promise<RequestOutput<N>>;
  }

  /** Credit goes back when `onEvent` has returned, or when its promise has settled. */
  listen<N extends SubscriptionName>(
    name: N,
    input: SubscriptionInput<N>,
    onEvent: (event: SubscriptionEvent<N>) => void | Promise<void>,
    onError: (error: AppError) => void,
  ): () => void {
    const stream = this.next++;
    this.listeners.set(stream, {
      name,
      // The event was parsed by this very subscription's schema.
      onEvent: (event) => onEvent(event as SubscriptionEvent<N>),
      onError,
    });
    this.send('subscribe', stream, input, name);
    this.send('credit', stream, { n: WINDOW[subscriptions[name].delivery] });
    return () => {
      if (this.listeners.delete(stream)) this.send('unsubscribe', stream, {});
    };
  }

  /** @param why  what those who wait are told */
  close(why = unreachable('The connection was closed.')): void {
    this.fail(why);
    this.transport.close('The window closed the connection.');
  }

  private fail(why: AppError): void {
    if (this.lost !== undefined) return;
    this.lost = why;
    const waiting = [...this.pending.values()];
    this.pending.clear();
    this.listeners.clear();
    for (const request of waiting) request.reject(this.lost);
  }

  private receive(bytes: Uint8Array): void {
    if (this.lost !== undefined) return;
    if (this.early !== undefined && peekFrame(bytes)?.stream !== GREETING) {
      this.early.push(bytes);
      return;
    }
    try {
      this.dispatch(decodeFrame(bytes, WINDOW_LIMITS));
    } catch (thrown) {
      const stream = peekFrame(bytes)?.stream ?? 0;
      this.refuse(stream, AppError.from(thrown));
    }
  }

  private dispatch(frame: Frame): void {
    if (frame.kind === 'response') return this.respond(frame);
    if (frame.kind === 'event') return void this.deliver(frame);
    if (frame.kind === 'end') return void this.listeners.delete(frame.stream);
    if (frame.kind !== 'error') {
      throw new AppError('bad_message', `An engine may not send a frame of kind ${frame.kind}.`);
    }
    const body = ErrorBodySchema.parse(frame.body);
    this.refuse(frame.stream, new AppError(body.code, body.message, { remedy: body.remedy }));
  }

  private respond({ stream, body }: Frame): void {
    const request = this.pending.get(stream);
    if (request === undefined) return; // cancelled meanwhile
    this.pending.delete(stream);
    const output = requests[request.name].output.safeParse(body);
    if (output.success) request.resolve(output.data);
    else request.reject(bodyProblem(request.name, output.error));
  }

  private async deliver({ stream, body }: Frame): Promise<void> {
    const listener = this.listeners.get(stream);
    if (listener === undefined) return; // unsubscribed meanwhile
    try {
      const event = subscriptions[listener.name].event.safeParse(body);
      if (!event.success) throw bodyProblem(listener.name, event.error);
      await listener.onEvent(event.data);
    } catch (thrown) {
      this.report(AppError.from(thrown));
    }
    if (this.listeners.get(stream) === listener) this.send('credit', stream, { n: 1 });
  }

  private refuse(stream: number, error: AppError): void {
    const request = this.pending.get(stream);
    const listener = this.listeners.get(stream);
    this.pending.delete(stream);
    this.listeners.delete(stream);
    if (request !== undefined) request.reject(error);
    else if (listener !== undefined) listener.onError(error);
    else this.report(error);
  }

  private send(kind: FrameKind, stream: number, body: Frame['body'], name?: string): void {
    this.transport.send(encodeFrame({ kind, stream, seq: 0, name, body }));
  }
}

function unreachable(reason: string): AppError {
  return new AppError('unavailable', `The engine cannot be reached: ${reason}`);
}

export function cancelled(name: string): AppError {
  return new AppError('cancelled', `${name} was cancelled.`);
}
