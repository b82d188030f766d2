import { createHash } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { littleEndian, sha256 } from '../engine/data/dataset';
import { IMAGES_FILE, LABELS_FILE, REPORT_FILE } from './job';
import type { Report } from './job';

/** Writes a result image by image, so that memory does not grow with the data. */
export class Sink {
  private readonly hash = createHash('sha256');
  private count = 0;

  private constructor(
    private readonly folder: string,
    private readonly file: FileHandle,
    private readonly size: number,
    private readonly channels: 1 | 3,
  ) {}

  static async open(folder: string, size: number, channels: 1 | 3): Promise<Sink> {
    return new Sink(folder, await open(join(folder, IMAGES_FILE), 'wx'), size, channels);
  }

  /** @param images whole images, one after the other */
  async write(images: Uint8Array): Promise<void> {
    const each = this.size * this.size * this.channels;
    if (images.length % each !== 0) throw new RangeError(`${images.length} bytes are no images`);
    this.hash.update(images);
    for (let at = 0; at < images.length;) {
      at += (await this.file.write(images, at)).bytesWritten;
    }
    this.count += images.length / each;
  }

  /** The report comes last: a folder without it is not a result. */
  async finish(
    labels: Int32Array | null,
    about: Pick<Report, 'classes' | 'skipped' | 'skipped_total'>,
  ): Promise<void> {
    await this.file.sync();
    await this.file.close();
    const bytes = littleEndian(labels ?? new Int32Array(0));
    await writeFile(join(this.folder, LABELS_FILE), bytes);
    const report: Report = {
      ...about,
      count: this.count,
      height: this.size,
      width: this.size,
      channels: this.channels,
      labelled: labels !== null,
      images_sha256: this.hash.digest('hex'),
      labels_sha256: sha256(bytes),
    };
    await writeFile(join(this.folder, REPORT_FILE), JSON.stringify(report));
  }
}
