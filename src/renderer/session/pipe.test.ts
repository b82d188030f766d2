import { describe, expect, it } from 'vitest';
import { Pipe } from './pipe';

function pipe() {
  const posted: Uint8Array[] = [];
  let ended = 0;
  const made = new Pipe(
    (bytes) => posted.push(bytes),
    () => (ended += 1),
  );
  return { made, posted, ended: () => ended };
}

describe('Pipe', () => {
  it('keeps what comes before a handler, in order', () => {
    const { made } = pipe();
    const got: number[] = [];
    made.receive(Uint8Array.of(1));
    made.receive(Uint8Array.of(2));
    made.onMessage((bytes) => got.push(bytes[0] ?? -1));
    made.receive(Uint8Array.of(3));
    expect(got).toEqual([1, 2, 3]);
  });

  it('posts exactly the view, not the buffer behind it', () => {
    const { made, posted } = pipe();
    made.send(Uint8Array.of(9, 1, 2, 9).subarray(1, 3));
    expect(posted[0]?.buffer.byteLength).toBe(2);
    expect([...(posted[0] ?? [])]).toEqual([1, 2]);
  });

  it('tells why it closed, once, also a late listener, and is silent after', () => {
    const { made, posted, ended } = pipe();
    const reasons: string[] = [];
    made.shut('gone');
    made.onClose((reason) => reasons.push(reason));
    made.close('again');
    made.send(Uint8Array.of(1));
    made.receive(Uint8Array.of(1));
    expect(reasons).toEqual(['gone']);
    expect(posted).toEqual([]);
    expect(ended()).toBe(0);
  });

  it('ends the port when this side closes', () => {
    const { made, ended } = pipe();
    const reasons: string[] = [];
    made.onClose((reason) => reasons.push(reason));
    made.close();
    expect(reasons).toHaveLength(1);
    expect(ended()).toBe(1);
  });
});
