import type { Transport } from '@shared/protocol/transport';

/** A Transport over anything with a way to post bytes and a way to end. */
export class Pipe implements Transport {
  private handler: ((bytes: Uint8Array) => void) | undefined;
  private closeHandler: ((reason: string) => void) | undefined;
  private inbox: Uint8Array[] = [];
  private reason: string | undefined;

  constructor(
    private readonly post: (bytes: Uint8Array<ArrayBuffer>) => void,
    private readonly end: () => void,
  ) {}

  get isShut(): boolean {
    return this.reason !== undefined;
  }

  send(bytes: Uint8Array): void {
    if (this.reason !== undefined) return;
    // A view is posted with its whole buffer by some ports: hand over exactly the message.
    this.post(new Uint8Array(bytes));
  }

  onMessage(handler: (bytes: Uint8Array) => void): void {
    this.handler = handler;
    for (const bytes of this.inbox.splice(0)) handler(bytes);
  }

  onClose(handler: (reason: string) => void): void {
    this.closeHandler = handler;
    if (this.reason !== undefined) handler(this.reason);
  }

  close(reason = 'The window closed the connection.'): void {
    if (this.reason !== undefined) return;
    this.shut(reason);
    this.end();
  }

  receive(bytes: Uint8Array): void {
    if (this.reason !== undefined) return;
    if (this.handler) this.handler(bytes);
    else this.inbox.push(bytes);
  }

  /** The other side has gone. */
  shut(reason: string): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.closeHandler?.(reason);
  }
}
