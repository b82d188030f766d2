import { BufferedTransport } from '@shared/protocol/buffered-transport';
import type { FromEngine, ToEngine } from '@shared/protocol/host';
import type { Transport } from '@shared/protocol/transport';

/** The engine process's line to the host that forked it. */
export interface HostLink {
  send(message: FromEngine): void;
  onWindow(handler: (transport: Transport) => void): void;
  /** A page begins to load. */
  onLoading(handler: () => void): void;
  onStop(handler: () => void): void;
  /** The host has gone; it will not answer any more. */
  onGone(handler: () => void): void;
}

/** Electron's MessagePortMain, as far as it is used; the engine does not import electron. */
interface Port {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  on(event: 'close', listener: () => void): void;
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
}

interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown; ports: Port[] }) => void): void;
  postMessage(message: unknown): void;
}

interface Handlers {
  window(transport: Transport): void;
  loading(): void;
  stop(): void;
  gone(): void;
}

/** Undefined when this process was not forked by a host. */
export function hostLink(): HostLink | undefined {
  // Electron puts parentPort on process in a utility process; Node's types do not know it.
  const { parentPort } = process as unknown as { parentPort?: ParentPort };
  if (parentPort !== undefined) return utilityLink(parentPort);
  return process.send === undefined ? undefined : childLink();
}

function utilityLink(parent: ParentPort): HostLink {
  const handlers = idle();
  parent.on('message', ({ data, ports }) => {
    const message = data as ToEngine;
    if (message.type === 'stop') handlers.stop();
    if (message.type === 'loading') handlers.loading();
    const [port] = ports;
    if (message.type === 'port' && port !== undefined) handlers.window(new PortTransport(port));
  });
  // parentPort does not tell when the host ends.
  watchParent(() => handlers.gone());
  return { send: (message) => parent.postMessage(message), ...setters(handlers) };
}

function childLink(): HostLink {
  const handlers = idle();
  const relayed = new Map<number, RelayedTransport>();
  let unsent: { message: FromEngine; sent: () => void }[] = [];
  const flush = (): void => {
    const batch = unsent;
    unsent = [];
    // A frame that goes to many is written once: the serialiser knows it again. The error of a
    // channel that closed meanwhile is told by 'disconnect'.
    if (!process.connected) return;
    process.send?.(
      batch.map(({ message }) => message),
      () => batch.forEach(({ sent }) => sent()),
    );
  };
  const post: Post = (message, sent = () => undefined) => {
    // After all that is said in this turn, and before the next step.
    if (unsent.push({ message, sent }) === 1) queueMicrotask(flush);
  };
  const send = (message: FromEngine): void => post(message);
  const take = (message: ToEngine): void => {
    if (message.type === 'stop') handlers.stop();
    if (message.type === 'loading') handlers.loading();
    if (message.type === 'open') {
      const { client } = message;
      const transport = new RelayedTransport(client, post, () => relayed.delete(client));
      relayed.set(client, transport);
      handlers.window(transport);
    }
    if (message.type === 'data') relayed.get(message.client)?.receive(message.bytes);
    if (message.type === 'flow') relayed.get(message.client)?.flow(message.open);
    if (message.type === 'close') relayed.get(message.client)?.shut(message.reason);
  };
  process.on('message', (messages) => (messages as ToEngine[]).forEach(take));
  process.on('disconnect', () => handlers.gone());
  watchParent(() => handlers.gone());
  return { send, ...setters(handlers) };
}

const idle = (): Handlers => ({
  window: () => undefined,
  loading: () => undefined,
  stop: () => undefined,
  gone: () => undefined,
});

function setters(handlers: Handlers): Omit<HostLink, 'send'> {
  return {
    onWindow: (handler) => (handlers.window = handler),
    onLoading: (handler) => (handlers.loading = handler),
    onStop: (handler) => (handlers.stop = handler),
    onGone: (handler) => (handlers.gone = handler),
  };
}

/** An orphan gets another parent; where the system keeps the old id, the channel tells. */
function watchParent(gone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, 1000);
  timer.unref();
}

class PortTransport extends BufferedTransport {
  constructor(private readonly port: Port) {
    super();
    port.on('message', ({ data }) => {
      if (data instanceof Uint8Array) this.receive(data);
      else if (data instanceof ArrayBuffer) this.receive(new Uint8Array(data));
    });
    port.on('close', () => this.shut('The window has gone.'));
    port.start();
  }

  send(bytes: Uint8Array): void {
    // Copied, never transferred: a transferred buffer is lost on its way (electron #34905).
    if (this.closed === undefined) this.port.postMessage(bytes);
  }

  close(reason = 'closed'): void {
    this.port.close();
    this.shut(reason);
  }
}

type Post = (message: FromEngine, sent?: () => void) => void;

/** Bytes of one window on their way to the host: above the first nothing more is made, … */
const UNSENT = { hold: 8e6, resume: 1e6 };
/** … and a window for which this much was made all the same, by its requests, is given up. */
const UNSENT_MOST = 64e6;

class RelayedTransport extends BufferedTransport {
  private unsent = 0;
  /** Whether the host has room for more of this window. */
  private room = true;
  private open = true;
  private onChange: (open: boolean) => void = () => undefined;

  constructor(
    private readonly client: number,
    private readonly post: Post,
    private readonly forget: () => void,
  ) {
    super();
  }

  send(bytes: Uint8Array): void {
    this.queue(bytes);
  }

  sendShared(frame: Uint8Array, stream: number, seq: number): void {
    this.queue(frame, { stream, seq });
  }

  private queue(bytes: Uint8Array, to?: { stream: number; seq: number }): void {
    if (this.closed !== undefined) return;
    this.unsent += bytes.length;
    if (this.unsent > UNSENT_MOST) return this.close('The window does not read what it is sent.');
    this.post({ type: 'data', client: this.client, bytes, ...(to && { to }) }, () => {
      this.unsent -= bytes.length;
      this.look();
    });
    this.look();
  }

  onFlow(handler: (open: boolean) => void): void {
    this.onChange = handler;
  }

  /** What the host says of the window's socket. */
  flow(room: boolean): void {
    this.room = room;
    this.look();
  }

  private look(): void {
    const open = this.room && this.unsent < (this.open ? UNSENT.hold : UNSENT.resume);
    if (open === this.open) return;
    this.open = open;
    this.onChange(open);
  }

  close(reason = 'closed'): void {
    if (this.closed === undefined) this.post({ type: 'close', client: this.client, reason });
    this.shut(reason);
  }

  override shut(reason: string): void {
    this.forget();
    super.shut(reason);
  }
}
