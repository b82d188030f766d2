import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '@shared/errors';
import type { RunConfig } from '@shared/config/run-config';
import type { NdArray } from '@shared/maths/ndarray';
import { dataset } from './dataset';
import type { Dataset } from './dataset';
import { readIdx } from './idx';
import { halve, pad, toChannels } from './pixels';

type DataConfig = RunConfig['data'];

/** Edge of the shipped images once digits are padded. */
const EDGE = 32;
const DIGIT_NAMES = Array.from({ length: 10 }, (_, digit) => String(digit));

/**
 * The 10,000 digits: 28 x 28, padded with zeros to 32 x 32.
 * @param resources the folder that holds `digits` and `emoji`
 */
export async function loadDigits(resources: string, config: DataConfig): Promise<Dataset> {
  checkSize(config);
  const folder = join(resources, 'digits');
  const images = await readIdx(join(folder, 'images.idx3-ubyte.gz'));
  const labels = await readIdx(join(folder, 'labels.idx1-ubyte.gz'));
  const [count = 0, height, width] = images.shape;
  if (images.shape.length !== 3 || height !== 28 || width !== 28) throw spoilt(folder);
  return shipped('digits', config, {
    count,
    images: pad(images.data, count, 28, 1, EDGE),
    channels: 1,
    labels: checkLabels(labels, count, DIGIT_NAMES.length, folder),
    classes: DIGIT_NAMES,
  });
}

const EmojiLabels = z.object({
  classes: z.array(z.string()).min(1),
  labels: z.array(z.number().int().nonnegative()),
});

/** The 1,906 emoji: 32 x 32 RGB on white, labelled by category. */
export async function loadEmoji(resources: string, config: DataConfig): Promise<Dataset> {
  checkSize(config);
  const folder = join(resources, 'emoji');
  const images = await readIdx(join(folder, 'images.idx4-ubyte.gz'));
  const [count = 0, height, width, channels] = images.shape;
  if (height !== EDGE || width !== EDGE || channels !== 3) throw spoilt(folder);
  let found: z.infer<typeof EmojiLabels>;
  try {
    found = EmojiLabels.parse(JSON.parse(await readFile(join(folder, 'labels.json'), 'utf8')));
  } catch (thrown) {
    throw spoilt(folder, thrown);
  }
  const labels = { data: found.labels, shape: [found.labels.length] };
  return shipped('emoji', config, {
    count,
    images: images.data,
    channels: 3,
    labels: checkLabels(labels, count, found.classes.length, folder),
    classes: found.classes,
  });
}

function shipped(
  name: string,
  config: DataConfig,
  set: Pick<Dataset, 'count' | 'images' | 'channels' | 'labels' | 'classes'>,
): Dataset {
  const { image_size: size, channels } = config;
  const sized = size === EDGE ? set.images : halve(set.images, set.count, EDGE, set.channels);
  const images = toChannels(sized, set.channels, channels);
  return dataset({ ...set, name, images, channels, height: size, width: size });
}

function checkSize({ image_size, source }: DataConfig): void {
  if (image_size === EDGE || image_size === EDGE / 2) return;
  throw new AppError(
    'bad_config',
    `The ${source.kind} come at ${EDGE / 2} or ${EDGE} pixels, not at ${image_size}.`,
    { remedy: `Set image_size to ${EDGE} or ${EDGE / 2}, or train on a folder of images.` },
  );
}

function checkLabels(
  labels: Pick<NdArray, 'shape'> & { data: ArrayLike<number> },
  count: number,
  classes: number,
  folder: string,
): Int32Array {
  const values = Int32Array.from(labels.data);
  const fits = labels.shape.length === 1 && values.length === count && count > 0;
  if (!fits || values.some((label) => label >= classes)) throw spoilt(folder);
  return values;
}

function spoilt(folder: string, cause?: unknown): AppError {
  return new AppError('bad_data', `The data in ${folder} are not those that Protodiff came with.`, {
    remedy: 'Install Protodiff again.',
    cause,
  });
}
