import { BufferedTransport } from './buffered-transport';
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

class End extends BufferedTransport {
  peer: End | undefined;

  send(bytes: Uint8Array): void {
    if (this.closed !== undefined) return;
    const copy = bytes.slice();
    queueMicrotask(() => this.peer?.receive(copy));
  }

  close(reason = 'The other side closed the connection.'): void {
    this.shut(reason);
    // Behind the messages already on their way.
    queueMicrotask(() => this.peer?.shut(reason));
  }
}
