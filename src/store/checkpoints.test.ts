import {
  appendFileSync,
  readdirSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '.';
import { nodeFs } from './fs-port';
import type { RunStore, RunWriter } from './port';
import { SEED, seeded } from './testing/random';
import { ORIGIN, temporaryRoot, tensorsOf } from './testing/workspace';

let root: string;
let remove: () => void;
let store: RunStore;
let writer: RunWriter;

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  store = openStore(root);
  writer = store.create(ORIGIN);
});
afterEach(() => {
  store.close();
  remove();
});

const pathOf = (file: string): string => join(root, 'runs', writer.run, file);
const filesNow = (): string[] => readdirSync(pathOf('checkpoints')).sort();
const thrown = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
};

describe('a checkpoint', () => {
  it('reads back as it was written, and its row tells size and hash of the file', () => {
    const row = writer.writeCheckpoint(1000, tensorsOf(7), { note: 'a' }, 3);
    expect(row.file).toBe('checkpoints/step_00001000.safetensors');
    const bytes = readFileSync(pathOf(row.file));
    expect(row.bytes).toBe(bytes.length);
    expect(row.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(store.read(writer.run).checkpoints).toEqual([row]);
    expect(store.list()[0]?.last_checkpoint).toBe(1000);
    const { step, tensors, metadata } = store.loadCheckpoint(writer.run);
    expect({ step, tensors, metadata }).toEqual({
      step: 1000,
      tensors: tensorsOf(7),
      metadata: { note: 'a' },
    });
  });

  it('stays while it is one of the newest, and then ever fewer of them do', () => {
    for (let step = 10; step <= 200; step += 10)
      writer.writeCheckpoint(step, tensorsOf(step), {}, 2);
    const steps = store.read(writer.run).checkpoints.map(({ step }) => step);
    expect(steps).toEqual([10, 130, 160, 180, 190, 200]);
    expect(filesNow()).toEqual(
      steps.map((step) => `step_${String(step).padStart(8, '0')}.safetensors`),
    );
    expect(thrown(() => store.loadCheckpoint(writer.run, 20))).toMatchObject({ code: 'not_found' });
  });

  it('stays where a person, a branch or a change of a knob refers to it', () => {
    const lr = { knob: 'lr', previous: 1, value: 2, wall: 0 } as const;
    for (let step = 10; step <= 200; step += 10) {
      writer.writeCheckpoint(step, tensorsOf(step), {}, 2);
      if (step === 40) expect(store.shelf.keep(writer.run, [40], true)).toEqual([40]);
      if (step === 70) writer.appendJournal({ applied_at_step: 70, ...lr });
      if (step !== 100) continue;
      const first = store.loadCheckpoint(writer.run);
      const parent = { run: writer.run, step, sha256: '' };
      store.create({ ...ORIGIN, parent }, first).release();
    }
    const steps = store.read(writer.run).checkpoints.map(({ step }) => step);
    expect(steps).toEqual([10, 40, 70, 100, 130, 160, 180, 190, 200]);
  });

  it('is replaced by another of the same step only once that is whole', () => {
    writer.writeCheckpoint(10, tensorsOf(1), {}, 3);
    const again = writer.writeCheckpoint(10, tensorsOf(2), {}, 3);
    expect(again.file).toBe('checkpoints/step_00000010.1.safetensors');
    expect(filesNow()).toEqual(['step_00000010.1.safetensors']);
    expect(store.loadCheckpoint(writer.run, 10).tensors).toEqual(tensorsOf(2));
  });

  it('is not found in a run without any', () => {
    expect(thrown(() => store.loadCheckpoint(writer.run))).toMatchObject({ code: 'not_found' });
  });

  it('leaves no file without a row after a crash between the two', () => {
    writer.writeCheckpoint(10, tensorsOf(1), {}, 3);
    writer.release();
    writeFileSync(pathOf('checkpoints/step_00000020.safetensors'), 'whole, but without a row');
    writeFileSync(pathOf('checkpoints/my notes.txt'), 'of the user');
    writeFileSync(pathOf('checkpoints/.step_00000030.safetensors.4194305-1.tmp'), 'half');
    writer = store.open(writer.run);
    expect(filesNow()).toEqual(['my notes.txt', 'step_00000010.safetensors']);
  });
});

describe('a damaged checkpoint', () => {
  beforeEach(() => {
    for (const step of [10, 20]) writer.writeCheckpoint(step, tensorsOf(step), {}, 3);
  });

  it.each([
    [
      'gone',
      (path: string) => unlinkSync(path),
      /20\.safetensors cannot be used: the file is gone/,
    ],
    ['cut', (path: string) => truncateSync(path, 100), /it has 100 bytes instead of/],
    ['longer', (path: string) => appendFileSync(path, 'x'), /bytes instead of/],
    ['changed', flipLastBit, /its contents have changed since it was saved/],
  ])('that is %s is refused by name, and passed over without losing that', (_, damage, reason) => {
    damage(pathOf('checkpoints/step_00000020.safetensors'));
    expect(thrown(() => store.loadCheckpoint(writer.run, 20))).toMatchObject({
      code: 'bad_checkpoint',
      message: expect.stringMatching(reason) as string,
    });
    const newest = store.loadCheckpoint(writer.run);
    expect(newest.step).toBe(10);
    expect(newest.tensors).toEqual(tensorsOf(10));
    expect(newest.metadata['protodiff.skipped']).toMatch(reason);
    expect(store.read(writer.run).events.at(-1)).toMatchObject({
      kind: 'note',
      message: expect.stringMatching(reason) as string,
    });
  });

  it('names each file when none is whole', () => {
    for (const step of [10, 20])
      truncateSync(pathOf(`checkpoints/step_000000${step}.safetensors`), 9);
    const error = thrown(() => store.loadCheckpoint(writer.run));
    expect(error).toMatchObject({ code: 'bad_checkpoint' });
    expect(String(error)).toMatch(/20\.safetensors.*10\.safetensors/);
  });

  it(`is found out in each of 500 files with one to eight flipped bits (seed ${SEED})`, () => {
    const random = seeded(SEED);
    const path = pathOf('checkpoints/step_00000020.safetensors');
    const whole = readFileSync(path);
    for (let round = 0; round < 500; round++) {
      const bytes = Buffer.from(whole);
      const places = new Set(Array.from({ length: random(8) + 1 }, () => random(bytes.length * 8)));
      for (const bit of places) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, bytes);
      expect(thrown(() => store.loadCheckpoint(writer.run, 20))).toMatchObject({
        code: 'bad_checkpoint',
      });
    }
    writeFileSync(path, whole);
    expect(store.loadCheckpoint(writer.run, 20).tensors).toEqual(tensorsOf(20));
  });
});

it('asks for twice its size of free space, with the figures', () => {
  let free = 0;
  const fs = { ...nodeFs, free: () => free };
  const guarded = openStore(root, { fs });
  const run = guarded.create(ORIGIN);
  const { bytes } = writer.writeCheckpoint(1, tensorsOf(1), {}, 1);
  free = 2 * bytes - 1;
  const error = thrown(() => run.writeCheckpoint(1, tensorsOf(1), {}, 1));
  expect(error).toMatchObject({ code: 'disk', remedy: expect.any(String) as string });
  expect(String(error)).toMatch(/needs 0\.0 MB of free space, twice its size/);
  expect(guarded.read(run.run).checkpoints).toEqual([]);
  free = 2 * bytes;
  expect(run.writeCheckpoint(1, tensorsOf(1), {}, 1).bytes).toBe(bytes);
  guarded.close();
});

function flipLastBit(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
