const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Text is not read beyond this many characters. */
const MOST = 1_000_000;

/**
 * The Latin-1 text under a keyword in a PNG's tEXt chunks; nothing else of the file is looked at.
 * @returns null when the bytes are no PNG, undefined when no such chunk is there or it is too long
 */
export function pngText(bytes: Uint8Array, keyword: string): string | null | undefined {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A chunk: length, name, body, checksum. What claims to be longer than the file ends the search.
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) return undefined;
    if (latin1(bytes, at + 4, at + 8) === 'tEXt') {
      const from = at + 8 + keyword.length + 1;
      const named = latin1(bytes, at + 8, from) === `${keyword}\0`;
      if (named && end - from <= MOST) return latin1(bytes, from, end);
    }
    at = end + 4;
  }
  return undefined;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  // In parts: a call takes only so many arguments.
  for (let at = from; at < to; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(to, at + 4096)));
  }
  return text;
}
