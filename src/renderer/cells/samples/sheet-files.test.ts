import { alike } from '@shared/config/sampling-rows';
import { decode } from 'fast-png';
import { strFromU8, unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { imageName, imagesZip, sheetNpz, sheetPng, sheetStem } from './sheet-files';
import type { SheetSettings } from './sheet-files';
import { cellKey } from './sheet-maker.svelte';
import type { SheetImage } from './sheet-maker.svelte';

const mixed = [
  { prototype: 0, weight: 0.7 },
  { prototype: 7, weight: 0.3 },
];
const made: SheetSettings = {
  run: '20260101-101010-brisk-heron',
  step: 1000,
  plan: {
    columns: [alike(3), mixed],
    seed: 42,
    rows: 2,
    weights: 'ema',
    sampler: 'ddim',
    steps: 25,
    eta: 0,
    checkpoint: null,
    guidance: 1,
  },
};
// The value tells the place: ten times the row and one times the column.
const images = new Map<string, SheetImage>();
for (const [column, row] of [
  [1, 1],
  [0, 0],
  [1, 0],
  [0, 1],
] as const) {
  const data = new Uint8Array(4).fill(row * 10 + column);
  images.set(cellKey(column, row), {
    column,
    row,
    height: 2,
    width: 2,
    channels: 1,
    data,
    nearest: null,
  });
}

describe('the files of a contact sheet', () => {
  it('carry the usual names', () => {
    expect(sheetStem(made)).toBe('20260101-101010-brisk-heron_step_00001000_seed_42');
    expect(imageName(made, 0, 1)).toBe('step_00001000_seed_43_proto_03.png');
    expect(imageName(made, 1, 0)).toBe('step_00001000_seed_42_proto_00x70-07x30.png');
    const even = { ...made, plan: { ...made.plan, columns: [alike(0, 7)] } };
    expect(imageName(even, 0, 0)).toBe('step_00001000_seed_42_proto_00-07.png');
  });

  it('one PNG: prototypes across, seeds down, the settings inside', () => {
    const png = decode(sheetPng(images, made));
    expect([png.width, png.height]).toEqual([5, 5]);
    const at = (x: number, y: number): number => png.data[(y * 5 + x) * 3] ?? NaN;
    expect([at(0, 0), at(3, 0), at(0, 3), at(3, 3), at(2, 2)]).toEqual([0, 1, 10, 11, 255]);
    expect(JSON.parse(png.text['protodiff'] ?? '')).toEqual({ sheet: made });
  });

  it('a ZIP of single images, each with what made it', () => {
    const files = unzipSync(imagesZip(images, made));
    expect(Object.keys(files).length).toBe(5);
    const png = decode(files['step_00001000_seed_43_proto_00x70-07x30.png'] ?? new Uint8Array());
    expect(png.data[0]).toBe(11);
    expect(JSON.parse(png.text['protodiff'] ?? '')).toMatchObject({
      sample: { seed: 43, prototypes: mixed, step: 1000 },
    });
  });

  it('npz arrays as NumPy writes them', () => {
    const files = unzipSync(sheetNpz(images, made));
    const read = (name: string): { header: string; bytes: Uint8Array } => {
      const file = files[name] ?? new Uint8Array();
      const length = 10 + new DataView(file.buffer, file.byteOffset).getUint16(8, true);
      expect(length % 64).toBe(0);
      expect([...file.subarray(0, 8)]).toEqual([0x93, 78, 85, 77, 80, 89, 1, 0]);
      return { header: strFromU8(file.subarray(10, length)), bytes: file.slice(length) };
    };
    expect(read('images.npy').header).toContain("'descr': '|u1'");
    expect(read('images.npy').header).toContain("'shape': (4, 2, 2, 1)");
    expect([0, 4, 8, 12].map((at) => read('images.npy').bytes[at])).toEqual([0, 1, 10, 11]);
    expect([...new Int32Array(read('prototypes.npy').bytes.buffer)].slice(0, 6)).toEqual([
      ...[3, -1, -1],
      ...[0, 7, -1],
    ]);
    const shares = [...new Float32Array(read('shares.npy').bytes.buffer)].slice(0, 6);
    expect(shares.map((share) => Number(share.toFixed(4)))).toEqual([1, 0, 0, 0.7, 0.3, 0]);
    expect([...new BigInt64Array(read('seeds.npy').bytes.buffer)]).toEqual([42n, 42n, 43n, 43n]);
    expect(read('seeds.npy').header).toContain("'shape': (4,)");
  });
});
