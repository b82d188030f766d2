import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RunConfig } from '@shared/config/run-config';
import type { MetricRow, PrototypeSnapshot } from '../port';
import {
  hparamsEvent,
  imageEvent,
  restartEvent,
  scalarsEvent,
  stepOf,
  tagOf,
  versionEvent,
} from './events';
import { framed, records } from './record';

/** TensorBoard reads a folder's files in the order of their names, and a file only forwards. */
const NAME = /^events\.out\.tfevents\.\d{10}\.protodiff\.(\d{4})$/;

/** Tag of the previews. */
const PICTURE = 'samples';

export interface BoardOptions {
  /** The run's folder, which TensorBoard is pointed at. */
  folder: string;
  /** Unix ms. */
  created: number;
  config: RunConfig;
  clock?: () => number;
}

/**
 * A run's TensorBoard event files: scalars, previews, settings, and the prototypes for the
 * projector. They repeat what the store has, so they are not synced to the disk with each step:
 * what a crash took from them is written again from the store when the run is opened.
 */
export class Board {
  readonly #options: Required<BoardOptions>;
  #fd: number | null = null;
  #prototypes: PrototypeSnapshot | null = null;
  /** Steps that have a picture in the files. */
  #pictured = new Set<number>();

  constructor(options: BoardOptions) {
    this.#options = { clock: Date.now, ...options };
  }

  /**
   * Goes back to where `step` steps were done: what is of later ones is dropped from the files.
   * With null all that is whole stays.
   * @returns the last step that has a row in them; rows after it are to be written again
   */
  rewind(step: number | null): number {
    this.close();
    this.#pictured.clear();
    let last = -1;
    for (const name of this.#files()) last = Math.max(last, this.#cut(name, step ?? Infinity));
    this.#begin(step);
    return last;
  }

  rows(rows: readonly MetricRow[]): void {
    const events = rows.flatMap((row) => scalarsEvent(row) ?? []);
    if (events.length > 0) this.#write(events);
  }

  /** A step that is done again has its picture already. */
  image(step: number, png: Uint8Array): void {
    if (this.#pictured.has(step)) return;
    this.#pictured.add(step);
    this.#write([imageEvent(PICTURE, this.#options.clock(), step, png)]);
  }

  /** Kept until `settle`: the projector shows one state. */
  prototypes(snapshot: PrototypeSnapshot): void {
    this.#prototypes = snapshot;
  }

  /** Writes the projector's files where there is a newer bank. */
  settle(): void {
    if (this.#prototypes === null) return;
    const { bank, usage, ids } = this.#prototypes;
    const [k = 0, dim = 0] = bank.shape;
    const rows = Array.from({ length: k }, (_, i) =>
      Array.from(bank.data.subarray(i * dim, (i + 1) * dim)).join('\t'),
    );
    const about = Array.from(usage.data, (share, i) => `p${ids.data[i]}\t${share}`);
    this.#place('prototypes.tsv', `${rows.join('\n')}\n`);
    this.#place('prototypes-metadata.tsv', `${['prototype\tusage', ...about].join('\n')}\n`);
    this.#place(
      'projector_config.pbtxt',
      'embeddings {\n  tensor_name: "prototypes"\n  tensor_path: "prototypes.tsv"\n  metadata_path: "prototypes-metadata.tsv"\n}\n',
    );
    this.#prototypes = null;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #files(): string[] {
    return readdirSync(this.#options.folder)
      .filter((name) => NAME.test(name))
      .sort();
  }

  /** Drops events after `step` and a torn end; returns the step of the last row that stays. */
  #cut(name: string, step: number): number {
    const path = join(this.#options.folder, name);
    const file = readFileSync(path);
    const kept: Uint8Array[] = [];
    let last = -1;
    let bytes = 0;
    for (const { frame, data } of records(file)) {
      if (stepOf(data) > step) continue;
      kept.push(frame);
      bytes += frame.length;
      const tag = tagOf(data);
      if (tag.startsWith('train/')) last = Math.max(last, stepOf(data));
      if (tag === PICTURE) this.#pictured.add(stepOf(data));
    }
    if (bytes !== file.length) this.#place(name, Buffer.concat(kept));
    return last;
  }

  /** A new file: a reader that has passed the end of the one before looks for the next. */
  #begin(step: number | null): number {
    const { folder, created, config, clock } = this.#options;
    const number = Number(NAME.exec(this.#files().at(-1) ?? '')?.[1] ?? -1) + 1;
    const seconds = String(Math.floor(created / 1000)).padStart(10, '0');
    const name = `events.out.tfevents.${seconds}.protodiff.${String(number).padStart(4, '0')}`;
    const fd = openSync(join(folder, name), 'wx');
    this.#fd = fd;
    this.#write([
      versionEvent(clock()),
      ...(number === 0 ? [hparamsEvent(created, config)] : []),
      ...(number > 0 && step !== null ? [restartEvent(clock(), step + 1)] : []),
    ]);
    return fd;
  }

  #write(events: readonly Uint8Array[]): void {
    const fd = this.#fd ?? this.#begin(0);
    const bytes = Buffer.concat(events.map(framed));
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
  }

  /** Whole or not at all. */
  #place(name: string, content: string | Uint8Array): void {
    const path = join(this.#options.folder, name);
    const temporary = join(this.#options.folder, `.${name}.${process.pid}-0.tmp`);
    try {
      writeFileSync(temporary, content);
      const fd = openSync(temporary, 'r+');
      fsyncSync(fd);
      closeSync(fd);
      renameSync(temporary, path);
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    }
  }
}
