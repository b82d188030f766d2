import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'protobufjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PRESETS } from '@shared/config/presets';
import type { RunStore } from '../port';
import { openStore } from '..';
import { withBoard } from '../../engine/run/board-writer';
import { metricRows, ORIGIN, samplesAt, temporaryRoot, tensorsOf } from '../testing/workspace';
import { Board } from './board';
import { crc32c } from './record';

// A reader of its own: protobufjs over the published definitions, and the CRC a bit at a time.
const { root: proto } = parse(`
  syntax = "proto3";
  message Event {
    double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
    SessionLog session_log = 7;
  }
  message SessionLog { int32 status = 1; }
  message Summary {
    message Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
    message Value { string tag = 1; float simple_value = 2; Image image = 4; Metadata metadata = 9; }
    repeated Value value = 1;
  }
  message Metadata { Plugin plugin_data = 1; }
  message Plugin { string plugin_name = 1; bytes content = 2; }
  message HParams { int32 version = 1; Start session_start_info = 3; }
  message Start { map<string, Setting> hparams = 1; double start_time_secs = 5; }
  message Setting { oneof kind { double number_value = 2; string string_value = 3; bool bool_value = 4; } }
`);
interface Event {
  step?: number;
  fileVersion?: string;
  sessionLog?: { status: number };
  summary?: {
    value: {
      tag: string;
      simpleValue?: number;
      image?: { height: number; width: number };
      metadata?: { pluginData: { pluginName: string; content: Uint8Array } };
    }[];
  };
}
const decoded = (type: string, bytes: Uint8Array): unknown =>
  proto.lookupType(type).toObject(proto.lookupType(type).decode(bytes), { longs: Number });

function slowCrc(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  const raw = ~crc >>> 0;
  return (((raw >>> 15) | (raw << 17)) + 0xa282ead8) >>> 0;
}

/** Every event of every file in their order; throws where a sum is wrong or an end is torn. */
function read(folder: string): Event[] {
  const names = readdirSync(folder).filter((name) => name.includes('tfevents'));
  return names.sort().flatMap((name) => {
    const file = readFileSync(join(folder, name));
    const events: Event[] = [];
    for (let at = 0; at < file.length;) {
      const length = Number(file.readBigUInt64LE(at));
      expect(file.readUInt32LE(at + 8)).toBe(slowCrc(file.subarray(at, at + 8)));
      const data = file.subarray(at + 12, at + 12 + length);
      expect(data.length).toBe(length);
      expect(file.readUInt32LE(at + 12 + length)).toBe(slowCrc(data));
      events.push(decoded('Event', data) as Event);
      at += length + 16;
    }
    return events;
  });
}
const stepsIn = (folder: string, tag = 'train/loss'): number[] =>
  read(folder).flatMap(({ step = 0, summary }) =>
    (summary?.value ?? []).filter((value) => value.tag === tag).map(() => step),
  );
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'protodiff-board-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const board = (): Board => new Board({ folder, created: 1_700_000_000_000, config: PRESETS.tiny });

describe('event files', () => {
  it('check with the published sum', () => {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, and 0 … 31.
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });

  it('hold scalars, pictures and settings that another reader understands', () => {
    const open = board();
    open.rows(metricRows(1, 300));
    const png = Buffer.alloc(40);
    png.writeUInt32BE(64, 16);
    png.writeUInt32BE(32, 20);
    open.image(20, png);
    open.close();
    const events = read(folder);
    expect(events[0]?.fileVersion).toBe('brain.Event:2');
    expect(stepsIn(folder)).toEqual(upTo(300));
    const last = events.find(({ step }) => step === 300)?.summary?.value;
    expect(last).toEqual([
      { tag: 'train/loss', simpleValue: Math.fround(1 / 300) },
      { tag: 'train/lr', simpleValue: Math.fround(1e-3) },
    ]);
    const image = events.flatMap((event) => event.summary?.value ?? []).find((v) => v.image);
    expect(image).toMatchObject({ tag: 'samples', image: { width: 64, height: 32 } });
    const plugin = events[1]?.summary?.value[0]?.metadata?.pluginData;
    expect(plugin?.pluginName).toBe('hparams');
    expect(decoded('HParams', plugin?.content ?? new Uint8Array())).toMatchObject({
      sessionStartInfo: {
        startTimeSecs: 1_700_000_000,
        hparams: {
          'training.batch_size': { numberValue: 8 },
          'data.source.kind': { stringValue: 'digits' },
          'data.flip': { boolValue: false },
          'model.block_out_channels': { stringValue: '[8,16]' },
        },
      },
    });
  });

  it('go back with the run: later events and a torn end are dropped, what is missing is told', () => {
    const first = board();
    first.rows(metricRows(1, 50));
    first.close();
    const [name = ''] = readdirSync(folder);
    appendFileSync(join(folder, name), 'torn');
    const second = board();
    expect(second.rewind(30)).toBe(30);
    second.rows(metricRows(31, 40));
    second.close();
    expect(stepsIn(folder)).toEqual(upTo(40));
    const restarts = read(folder).filter(({ sessionLog }) => sessionLog);
    expect(restarts).toMatchObject([{ step: 31, sessionLog: { status: 1 } }]);
  });

  it('cost little: less than 0.3 ms a row', () => {
    const rows = metricRows(1, 10_000).map((row) => ({
      ...row,
      values: Object.fromEntries(Array.from({ length: 19 }, (_, i) => [`train/${i}`, row.step])),
    }));
    const open = board();
    const began = performance.now();
    for (const row of rows) open.rows([row]);
    const ms = performance.now() - began;
    open.close();
    console.log(`a row of 19 values: ${((ms * 1000) / rows.length).toFixed(1)} µs`);
    expect(ms / rows.length).toBeLessThan(0.3);
  });
});

describe("a run's writer", () => {
  it('keeps them complete over a crash that took their end, and over a resume', () => {
    const { root, remove } = temporaryRoot();
    const open = (): RunStore => openStore(root);
    let store = open();
    try {
      const plain = store.create(ORIGIN);
      const run = plain.run;
      const at = join(root, 'runs', run);
      const writer = withBoard(plain, store, ORIGIN);
      writer.appendMetrics(metricRows(1, 60));
      writer.writeCheckpoint(40, tensorsOf(1), {}, 9);
      writer.writeSamples(samplesAt(run, 20, 4));
      writer.writeSamples(samplesAt(run, 60, 4));
      writer.release();
      store.close();
      const [name = ''] = readdirSync(at).filter((each) => each.includes('tfevents'));
      rmSync(join(at, name));
      store = open();
      const again = withBoard(store.open(run), store, ORIGIN);
      again.rewindTo(40);
      expect(stepsIn(at)).toEqual(upTo(40));
      again.appendMetrics(metricRows(41, 45));
      again.end('stopped');
      expect(stepsIn(at)).toEqual(upTo(45));
      expect([...store.metrics(run, 0, 99).step]).toEqual(upTo(45));
      const third = withBoard(store.open(run), store, ORIGIN);
      third.rewindTo(40);
      third.writeSamples(samplesAt(run, 40, 4));
      third.end('stopped');
      expect(stepsIn(at)).toEqual(upTo(40));
      expect(stepsIn(at, 'samples')).toEqual([40]);
    } finally {
      store.close();
      remove();
    }
  });

  it('tells steps once that are done again, and anew from where they come out otherwise', () => {
    const { root, remove } = temporaryRoot();
    const store = openStore(root);
    try {
      const plain = store.create(ORIGIN);
      const { run } = plain;
      const at = join(root, 'runs', run);
      const writer = withBoard(plain, store, ORIGIN);
      writer.appendMetrics(metricRows(1, 30));
      writer.writeCheckpoint(10, tensorsOf(1), {}, 9);
      writer.writeSamples(samplesAt(run, 20, 4));
      writer.release();
      const same = withBoard(store.open(run), store, ORIGIN);
      same.redoFrom(10);
      for (const row of metricRows(11, 35)) same.appendMetrics([row]);
      same.writeSamples(samplesAt(run, 20, 4));
      same.release();
      expect(stepsIn(at)).toEqual(upTo(35));
      expect(stepsIn(at, 'samples')).toEqual([20]);
      const other = withBoard(store.open(run), store, ORIGIN);
      other.redoFrom(10);
      const changed = metricRows(11, 40).map((row) =>
        row.step < 25 ? row : { ...row, values: { ...row.values, 'train/loss': 7 } },
      );
      for (const row of changed) other.appendMetrics([row]);
      other.end('stopped');
      expect(stepsIn(at)).toEqual(upTo(40));
      const losses = read(at).flatMap(({ step = 0, summary }) =>
        (summary?.value ?? []).filter(({ tag }) => tag === 'train/loss').map((v) => [step, v]),
      );
      expect(losses.find(([step]) => step === 25)).toMatchObject([25, { simpleValue: 7 }]);
      expect([...store.metrics(run, 0, 99).step]).toEqual(upTo(40));
    } finally {
      store.close();
      remove();
    }
  });

  it('lets the run go on where they cannot be written, and says so once', () => {
    const { root, remove } = temporaryRoot();
    const store = openStore(root);
    try {
      const plain = store.create(ORIGIN);
      const writer = withBoard(plain, store, ORIGIN);
      writer.writeSamples({ ...samplesAt(plain.run, 3, 4) });
      rmSync(join(root, 'runs', plain.run, 'samples'), { recursive: true });
      // The picture that was just written is what cannot be read.
      const broken = withBoard(
        { ...forwards(plain), writeSamples: () => undefined },
        store,
        ORIGIN,
      );
      broken.writeSamples(samplesAt(plain.run, 4, 4));
      broken.writeSamples(samplesAt(plain.run, 5, 4));
      broken.appendMetrics(metricRows(1, 3));
      const notes = store.read(plain.run).events.filter(({ kind }) => kind === 'note');
      expect(notes.map(({ message }) => message)).toEqual([
        expect.stringContaining('not written any more'),
      ]);
      expect(store.metrics(plain.run, 0, 9).step.length).toBe(3);
    } finally {
      store.close();
      remove();
    }
  });
});

/** A writer whose calls can be replaced one by one. */
function forwards(writer: ReturnType<RunStore['create']>): ReturnType<RunStore['create']> {
  return {
    run: writer.run,
    appendMetrics: (rows) => writer.appendMetrics(rows),
    appendJournal: (entry) => writer.appendJournal(entry),
    appendAct: (...args) => writer.appendAct(...args),
    savedRows: (seq) => writer.savedRows(seq),
    appendEvent: (event) => writer.appendEvent(event),
    appendResume: (resume) => writer.appendResume(resume),
    appendHalving: (halving) => writer.appendHalving(halving),
    redoFrom: (step) => writer.redoFrom(step),
    get ahead() {
      return writer.ahead;
    },
    heartbeat: (beat) => writer.heartbeat(beat),
    writeCheckpoint: (...args) => writer.writeCheckpoint(...args),
    writeSamples: (samples) => writer.writeSamples(samples),
    writeProbe: (probe) => writer.writeProbe(probe),
    writePrototypes: (...args) => writer.writePrototypes(...args),
    writeSwaps: (...args) => writer.writeSwaps(...args),
    rewindTo: (step) => writer.rewindTo(step),
    end: (...args) => writer.end(...args),
    release: () => writer.release(),
  };
}
