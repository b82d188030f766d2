import type { Transport } from './transport';

/**
 * Two transports joined in memory. Messages are copied and arrive in order on a later microtask,
 * as they would from another process; what comes before a handler waits for it.
 */
export function memoryPair(): [Transport, Transport] {
  const a = new End();
  const b = new End();
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class End implements Transport {
  peer: End | undefined;
  private handler: ((bytes: Uint8Array) => void) | undefined;
  private closeHandler: ((reason: string) => void) | undefined;
  private readonly inbox: Uint8Array[] = [];
  private closed: string | undefined;

  send(bytes: Uint8Array): void {
    if (this.closed !== undefined) return;
    const copy = bytes.slice();
    queueMicrotask(() => this.peer?.receive(copy));
  }

  onMessage(handler: (bytes: Uint8Array) => void): void {
    this.handler = handler;
    for (const bytes of this.inbox.splice(0)) handler(bytes);
  }

  onClose(handler: (reason: string) => void): void {
    this.closeHandler = handler;
    if (this.closed !== undefined) handler(this.closed);
  }

  close(reason = 'closed'): void {
    const { peer } = this;
    this.shut(reason);
    // Behind the messages already on their way.
    queueMicrotask(() => peer?.shut(reason));
  }

  private receive(bytes: Uint8Array): void {
    if (this.closed !== undefined) return;
    if (this.handler === undefined) this.inbox.push(bytes);
    else this.handler(bytes);
  }

  private shut(reason: string): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    this.closeHandler?.(reason);
  }
}
