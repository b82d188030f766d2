/**
 * TFRecord framing: u64 length, u32 masked CRC-32C of it, the bytes, u32 masked CRC-32C of them;
 * all little-endian.
 * @source tensorflow/core/lib/io/record_writer.h
 */
const HEADER = 12;
const FOOTER = 4;

/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, one byte at a time. */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Rotated and shifted, so that a CRC over bytes that hold CRCs stays a check. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export function framed(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER + data.length + FOOTER);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(out.subarray(0, 8)), true);
  out.set(data, HEADER);
  view.setUint32(HEADER + data.length, masked(data), true);
  return out;
}

/** The records of a file, frames included, up to the first that is not whole. */
export function* records(file: Uint8Array): Generator<{ frame: Uint8Array; data: Uint8Array }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + HEADER + FOOTER <= file.length;) {
    const length = Number(view.getBigUint64(at, true));
    const end = at + HEADER + length + FOOTER;
    if (view.getUint32(at + 8, true) !== masked(file.subarray(at, at + 8)) || end > file.length)
      return;
    const data = file.subarray(at + HEADER, at + HEADER + length);
    if (view.getUint32(end - FOOTER, true) !== masked(data)) return;
    yield { frame: file.subarray(at, end), data };
    at = end;
  }
}
