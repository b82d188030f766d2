import { AppError } from '@shared/errors';

/** A still WebP file, and the ms that it stands as a frame. */
export interface Still {
  file: Uint8Array;
  delay: number;
}

const FLAG = { xmp: 0x04, alpha: 0x10, animation: 0x02 };
/** A frame replaces what was there: neither blended nor disposed of. */
const REPLACE = 0x02;

/**
 * Lays still WebP files of one size into one animated file that loops for ever. Pictures are
 * taken over as they were encoded; only the container is new (RIFF, WebP container specification).
 *
 * @param xmp  metadata packet, XML
 * @throws AppError internal when a file is no WebP
 */
export function animatedWebp(
  width: number,
  height: number,
  stills: readonly Still[],
  xmp: string,
): Uint8Array<ArrayBuffer> {
  const frames = stills.map(({ file, delay }) => ({ image: imageChunks(file), delay }));
  const alpha = frames.some(({ image }) => image.alpha);
  const header = new Uint8Array(10);
  header[0] = FLAG.animation | FLAG.xmp | (alpha ? FLAG.alpha : 0);
  u24(header, 4, width - 1);
  u24(header, 7, height - 1);
  const chunks = [
    chunk('VP8X', header),
    // Background (unused by viewers), then how often it plays: 0 = for ever.
    chunk('ANIM', new Uint8Array(6)),
    ...frames.map(({ image, delay }) => {
      const body = new Uint8Array(16 + image.bytes.length);
      u24(body, 6, width - 1);
      u24(body, 9, height - 1);
      u24(body, 12, delay);
      body[15] = REPLACE;
      body.set(image.bytes, 16);
      return chunk('ANMF', body);
    }),
    chunk('XMP ', new TextEncoder().encode(xmp)),
  ];
  return chunk('RIFF', joined([ascii('WEBP'), ...chunks]));
}

/** JSON as an XMP packet, in a property of our own. */
export function xmpOf(json: string): string {
  const escaped = json.replace(/[&<"]/g, (char) =>
    char === '&' ? '&amp;' : char === '<' ? '&lt;' : '&quot;',
  );
  return (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">' +
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    `<rdf:Description rdf:about="" xmlns:protodiff="urn:protodiff" protodiff:settings="${escaped}"/>` +
    '</rdf:RDF></x:xmpmeta>'
  );
}

/** The chunks of a still file that hold its picture: VP8 or VP8L, and alpha before the former. */
function imageChunks(file: Uint8Array): { bytes: Uint8Array; alpha: boolean } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const name = (at: number): string => String.fromCharCode(...file.subarray(at, at + 4));
  if (file.length < 20 || name(0) !== 'RIFF' || name(8) !== 'WEBP') {
    throw new AppError('internal', 'A frame was not encoded as WebP.');
  }
  const parts: Uint8Array[] = [];
  let alpha = false;
  for (let at = 12; at + 8 <= file.length;) {
    const size = view.getUint32(at + 4, true);
    const whole = 8 + size + (size % 2);
    const kind = name(at);
    if (['ALPH', 'VP8 ', 'VP8L'].includes(kind)) parts.push(file.slice(at, at + whole));
    // The lossless header: a signature byte, 14 bits each of width and height, whether alpha is used.
    alpha ||= kind === 'ALPH' || (kind === 'VP8L' && ((file[at + 12] ?? 0) & 0x10) !== 0);
    at += whole;
  }
  if (parts.length === 0) throw new AppError('internal', 'A frame of WebP holds no picture.');
  return { bytes: joined(parts), alpha };
}

function chunk(name: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(8 + body.length + (body.length % 2));
  out.set(ascii(name));
  new DataView(out.buffer).setUint32(4, body.length, true);
  out.set(body, 8);
  return out;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

function u24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >> 8) & 0xff;
  bytes[at + 2] = (value >> 16) & 0xff;
}
