import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { littleEndian, sha256 } from '../engine/data/dataset';
import { IMAGES_FILE, LABELS_FILE, REPORT_FILE } from './job';
import type { Report } from './job';

/** Writes a result image by image, so that memory does not grow with the data. */
export class Sink {
  private constructor(
    private readonly folder: string,
    private readonly file: FileHandle,
    private readonly size: number,
    private readonly channels: 1 | 3,
  ) {}

  /** Goes on after what an earlier process wrote into the folder, if anything. */
  static async open(folder: string, size: number, channels: 1 | 3): Promise<Sink> {
    return new Sink(folder, await open(join(folder, IMAGES_FILE), 'a'), size, channels);
  }

  /** @param images whole images, one after the other */
  async write(images: Uint8Array): Promise<void> {
    for (let at = 0; at < images.length;) {
      at += (await this.file.write(images, at)).bytesWritten;
    }
  }

  /** Ends without a result: another process will go on. */
  async pause(): Promise<void> {
    await this.file.close();
  }

  /** The report comes last: a folder without it is not a result. */
  async finish(
    labels: Int32Array | null,
    about: Pick<Report, 'classes' | 'skipped' | 'skipped_total'>,
  ): Promise<void> {
    await this.file.sync();
    const count = (await this.file.stat()).size / (this.size * this.size * this.channels);
    await this.file.close();
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(this.folder, IMAGES_FILE))) {
      hash.update(chunk as Buffer);
    }
    const bytes = littleEndian(labels ?? new Int32Array(0));
    await writeFile(join(this.folder, LABELS_FILE), bytes);
    const report: Report = {
      ...about,
      count,
      height: this.size,
      width: this.size,
      channels: this.channels,
      labelled: labels !== null,
      images_sha256: hash.digest('hex'),
      labels_sha256: sha256(bytes),
    };
    await writeFile(join(this.folder, REPORT_FILE), JSON.stringify(report));
  }
}
