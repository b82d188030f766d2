import { applyPalette, GIFEncoder, quantize } from 'gifenc';
import type { Picture } from '../../../components/pixels';

/** An animated GIF in the making: frame by frame, endless, a comment inside. */
export class GifFile {
  private readonly encoder = GIFEncoder();

  /** @param delay  ms that the frame stands; the format counts in hundredths of a second */
  add({ width, height, rgba }: Picture, delay: number): void {
    const pixels = new Uint8Array(rgba.buffer, rgba.byteOffset, rgba.byteLength);
    const palette = quantize(pixels, 256);
    this.encoder.writeFrame(applyPalette(pixels, palette), width, height, { palette, delay });
  }

  /** @param comment  ASCII, kept in a comment extension */
  finish(comment: string): Uint8Array<ArrayBuffer> {
    this.encoder.finish();
    const bytes = this.encoder.bytes();
    const blocks = commentBlocks(comment);
    const out = new Uint8Array(bytes.length + blocks.length);
    // The last byte ends the file: the comment goes before it.
    out.set(bytes.subarray(0, -1));
    out.set(blocks, bytes.length - 1);
    out[out.length - 1] = 0x3b;
    return out;
  }
}

function commentBlocks(comment: string): Uint8Array {
  const out = [0x21, 0xfe];
  for (let at = 0; at < comment.length; at += 255) {
    const part = comment.slice(at, at + 255);
    out.push(part.length, ...Array.from(part, (char) => char.charCodeAt(0) & 0x7f));
  }
  return Uint8Array.from([...out, 0]);
}
