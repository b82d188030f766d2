import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import type { RequestOutput } from '@shared/protocol/contract';
import { loadDataset } from './data/load';
import type { Dataset } from './data/dataset';

type DataConfig = RunConfig['data'];
const KEPT = 2;
const THUMBNAILS = 24;

/** Loaded data sets, the last few kept: describing one and training on it reads it once. */
export class Datasets {
  private readonly loaded = new Map<string, Promise<Dataset>>();

  constructor(private readonly context: Parameters<typeof loadDataset>[1]) {}

  /** @throws AppError bad_data, bad_config */
  load(config: DataConfig): Promise<Dataset> {
    const { source, image_size, channels } = config;
    const key = JSON.stringify({ source, image_size, channels });
    const known = this.loaded.get(key);
    if (known !== undefined) return known;
    const loading = loadDataset(config, this.context);
    this.loaded.set(key, loading);
    // A failure is the caller's to report; the next attempt reads anew.
    loading.catch(() => this.loaded.delete(key));
    for (const old of [...this.loaded.keys()].slice(0, -KEPT)) this.loaded.delete(old);
    return loading;
  }

  async describe(config: DataConfig): Promise<RequestOutput<'data.describe'>> {
    const data = await this.load(config);
    const counts = new Array<number>(data.classes.length).fill(0);
    for (const label of data.labels ?? []) counts[label] = (counts[label] ?? 0) + 1;
    const n = Math.min(THUMBNAILS, data.count);
    const pixels = data.height * data.width * data.channels;
    return {
      name: data.name,
      images: data.count,
      height: data.height,
      width: data.width,
      channels: data.channels,
      classes: data.classes.map((name, i) => ({ name, count: counts[i] ?? 0 })),
      fingerprint: data.fingerprint,
      skipped: data.skipped,
      skipped_total: data.skipped_total,
      thumbnails: ndarray(data.images.slice(0, n * pixels), [
        n,
        data.height,
        data.width,
        data.channels,
      ]),
    };
  }
}
