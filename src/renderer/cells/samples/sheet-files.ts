import { sharesOf } from '@shared/config/sampling-rows';
import type { SheetPlan } from '@shared/config/sampling-rows';
import { ndarray } from '@shared/maths/ndarray';
import { strToU8, zipSync } from 'fflate';
import { pictureAt } from '../../components/pixels';
import type { Picture } from '../../components/pixels';
import { pngOf, sheetOf } from '../../components/png';
import { cellKey } from './sheet-maker.svelte';
import type { SheetImage } from './sheet-maker.svelte';

/** What the files of a sheet say about how it was made. */
export interface SheetSettings {
  run: string;
  step: number;
  plan: SheetPlan;
}

export type Images = ReadonlyMap<string, SheetImage>;

export const pictureOf = ({ data, height, width, channels }: SheetImage): Picture =>
  pictureAt(ndarray(data, [1, height, width, channels]), 0);

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** `step_00001000_seed_42`, for files that carry the run's id before it. */
export function sheetStem({ run, step, plan }: SheetSettings): string {
  return `${run}_step_${padded(step, 8)}_seed_${plan.seed}`;
}

/**
 * `step_00001000_seed_42_proto_03.png`; a mean of two `proto_03-07`, 70 % and 30 % of them
 * `proto_03x70-07x30`, drawn at each step `proto_any`.
 */
export function imageName({ step, plan }: SheetSettings, column: number, row: number): string {
  const prototypes = plan.columns[column] ?? [];
  const shares = sharesOf(prototypes);
  const even = shares.every((share) => share === shares[0]);
  const names = prototypes.map(
    ({ prototype }, i) =>
      `${padded(prototype, 2)}${even ? '' : `x${Math.round(100 * (shares[i] ?? 0))}`}`,
  );
  return `step_${padded(step, 8)}_seed_${seedOf(plan, row)}_proto_${names.join('-') || 'any'}.png`;
}

export const seedOf = (plan: SheetPlan, row: number): number => (plan.seed + row) % 2 ** 32;

/** One PNG of all images, a pixel between them, the settings in its text chunk. */
export function sheetPng(images: Images, settings: SheetSettings): Uint8Array<ArrayBuffer> {
  const { columns, rows } = settings.plan;
  const grid = Array.from({ length: rows }, (_, row) =>
    columns.map((_prototypes, column) => {
      const image = images.get(cellKey(column, row));
      return image && pictureOf(image);
    }),
  );
  return pngOf(sheetOf(grid, 1, [255, 255, 255]), { sheet: settings });
}

/** A ZIP with one PNG an image, each with its own settings, and `settings.json`. */
export function imagesZip(images: Images, settings: SheetSettings): Uint8Array<ArrayBuffer> {
  const files: Record<string, Uint8Array> = {
    'settings.json': strToU8(`${JSON.stringify(settings, null, 2)}\n`),
  };
  for (const image of inOrder(images)) {
    const own = {
      ...settings,
      seed: seedOf(settings.plan, image.row),
      prototypes: settings.plan.columns[image.column] ?? [],
    };
    const name = imageName(settings, image.column, image.row);
    files[name] = pngOf(pictureOf(image), { sample: own });
  }
  return new Uint8Array(zipSync(files, { level: 0 }));
}

/**
 * NumPy's npz: `images` [N, H, W, C] u8, `prototypes` [N, 3] i32 (-1 where there are fewer),
 * `shares` [N, 3] f32 of them, `seeds` [N] i64, and `settings.json`.
 */
export function sheetNpz(images: Images, settings: SheetSettings): Uint8Array<ArrayBuffer> {
  const all = inOrder(images);
  const [first] = all;
  const size = first ? first.data.length : 0;
  const pixels = new Uint8Array(all.length * size);
  const prototypes = new Int32Array(all.length * 3).fill(-1);
  const shares = new Float32Array(all.length * 3);
  const seeds = new BigInt64Array(all.length);
  all.forEach((image, n) => {
    pixels.set(image.data, n * size);
    const parts = settings.plan.columns[image.column] ?? [];
    prototypes.set(
      parts.map(({ prototype }) => prototype),
      n * 3,
    );
    shares.set(sharesOf(parts), n * 3);
    seeds[n] = BigInt(seedOf(settings.plan, image.row));
  });
  const shape = [all.length, first?.height ?? 0, first?.width ?? 0, first?.channels ?? 0];
  return new Uint8Array(
    zipSync({
      'images.npy': npy('|u1', shape, pixels),
      'prototypes.npy': npy('<i4', [all.length, 3], new Uint8Array(prototypes.buffer)),
      'shares.npy': npy('<f4', [all.length, 3], new Uint8Array(shares.buffer)),
      'seeds.npy': npy('<i8', [all.length], new Uint8Array(seeds.buffer)),
      'settings.json': strToU8(JSON.stringify(settings)),
    }),
  );
}

/** NumPy's array file, version 1.0: magic, header padded to 64, the bytes in C order. */
function npy(descr: string, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${extents}), }`;
  const room = Math.ceil((10 + header.length + 1) / 64) * 64;
  const out = new Uint8Array(room + bytes.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(out.buffer).setUint16(8, room - 10, true);
  out.set(strToU8(`${header.padEnd(room - 11)}\n`), 10);
  out.set(bytes, room);
  return out;
}

/** Row by row, as the sheet reads. */
function inOrder(images: Images): SheetImage[] {
  return [...images.values()].sort((a, b) => a.row - b.row || a.column - b.column);
}
