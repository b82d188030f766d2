import type { Transport } from './transport';

/**
 * The receiving half of every transport: messages that come before there is a handler wait for
 * it, and the close handler is called once, even when it is set afterwards.
 */
export abstract class BufferedTransport implements Transport {
  private handler: ((bytes: Uint8Array) => void) | undefined;
  private closeHandler: ((reason: string) => void) | undefined;
  private readonly inbox: Uint8Array[] = [];
  protected closed: string | undefined;

  abstract send(bytes: Uint8Array): void;
  abstract close(reason?: string): void;

  onMessage(handler: (bytes: Uint8Array) => void): void {
    this.handler = handler;
    for (const bytes of this.inbox.splice(0)) handler(bytes);
  }

  onClose(handler: (reason: string) => void): void {
    this.closeHandler = handler;
    if (this.closed !== undefined) handler(this.closed);
  }

  /** For whoever reads the pipe. */
  receive(bytes: Uint8Array): void {
    if (this.closed !== undefined) return;
    if (this.handler === undefined) this.inbox.push(bytes);
    else this.handler(bytes);
  }

  /** For whoever learns that the pipe has ended. */
  shut(reason: string): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    this.closeHandler?.(reason);
  }
}
