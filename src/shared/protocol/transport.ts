/** A two-way pipe of whole messages. A new host is one file that makes one of these. */
export interface Transport {
  /** Queues one message; silently ignored once closed (the close handler has told why). */
  send(bytes: Uint8Array): void;
  /**
   * Like `send(addressed(frame, stream, seq))`, for a frame that other windows get too: where it lies
   * between them and us it is carried once. `frame` is left as it is.
   */
  sendShared?(frame: Uint8Array, stream: number, seq: number): void;
  onMessage(handler: (bytes: Uint8Array) => void): void;
  /** Called once, with the reason, when either side has gone. */
  onClose(handler: (reason: string) => void): void;
  /** Called with false when the other end does not keep up with what is sent, and with true when it does again. */
  onFlow?(handler: (open: boolean) => void): void;
  close(reason?: string): void;
}
