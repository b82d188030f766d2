import { cpSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '@shared/errors';
import { openStore } from '.';
import { exportRun, importRun } from './bundle';
import {
  metricRows,
  ORIGIN,
  samplesAt,
  snapshotAt,
  temporaryRoot,
  tensorsOf,
} from './testing/workspace';

/**
 * Every file of a run, cut where formats have their seams and at many other places: the run is mended,
 * quarantined or refused with a sentence, nothing else escapes, and the run beside it is not affected.
 */
const { root, remove } = temporaryRoot();
const whole = join(root, 'whole');
const here = join(root, 'here');
let victim: string;
let good: string;

beforeAll(() => {
  let now = Date.UTC(2026, 0, 2);
  const store = openStore(whole, { clock: () => (now += 1000) });
  const [first, second] = [store.create(ORIGIN), store.create(ORIGIN)];
  for (const writer of [first, second]) {
    writer.appendMetrics(metricRows(1, 40));
    writer.writePrototypes(snapshotAt(20), 10);
    for (const step of [10, 20]) writer.writeCheckpoint(step, tensorsOf(step), {}, 3);
    writer.writeSamples(samplesAt(writer.run, 20, 4));
    store.shelf.label(writer.run, { name: 'Mine', tags: ['a'] });
  }
  [victim, good] = [first.run, second.run];
  // The victim as a kill leaves it, its log full; then what a closed run has besides.
  cpSync(whole, here, { recursive: true });
  store.close();
  const summary = join('runs', victim, 'summary.json');
  cpSync(join(whole, summary), join(here, summary));
  rmSync(whole, { recursive: true });
  cpSync(here, whole, { recursive: true });
});
afterAll(remove);

type Outcome = 'mended' | 'quarantined' | 'refused';

/** Tries all that reads the victim; `write`: and what writes it. */
function outcome(write: boolean): Outcome {
  const store = openStore(here, { clock: () => 4e12 });
  const refusals: AppError[] = [];
  const attempt = (act: () => unknown): void => {
    try {
      act();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refusals.push(error);
    }
  };
  try {
    const list = store.list();
    const other = list.find(({ run }) => run === good);
    expect(other).toMatchObject({ name: 'Mine', step: 40, last_checkpoint: 20, problem: null });
    const problem = list.find(({ run }) => run === victim)?.problem ?? null;
    attempt(() => store.read(victim));
    attempt(() => store.metrics(victim, 0, 1000));
    attempt(() => store.loadCheckpoint(victim, 20));
    attempt(() => store.loadSamples(victim, 20));
    attempt(() => store.loadPrototypes(victim, 20));
    if (write) attempt(() => store.open(victim).release());
    for (const { code, message } of refusals) {
      expect([code, message]).not.toContain('internal');
      expect(message).toMatch(/\.$/);
    }
    if (problem !== null) {
      expect(problem).toMatch(/^[A-Zr].*\.$/);
      return 'quarantined';
    }
    return refusals.length > 0 ? 'refused' : 'mended';
  } finally {
    store.close();
  }
}

/** The victim with one file cut to `bytes`. */
function cut(file: string, bytes: number): void {
  for (const name of readdirSync(join(here, 'runs', victim))) {
    rmSync(join(here, 'runs', victim, name), { recursive: true });
  }
  cpSync(join(whole, 'runs', victim), join(here, 'runs', victim), { recursive: true });
  truncateSync(join(here, 'runs', victim, file), bytes);
}

const sizeOf = (file: string): number => readFileSync(join(whole, 'runs', victim, file)).length;
/** Where SQLite's, safetensors' and PNG's headers end, and quarters of the whole. */
function places(file: string): number[] {
  const size = sizeOf(file);
  const seams = [8, 16, 24, 32, 33, 56, 100, 512, 4096, 4096 + 32 + 24];
  const json = file.endsWith('.safetensors')
    ? [8 + readFileSync(join(whole, 'runs', victim, file)).readUInt32LE(0)]
    : [];
  const at = [...seams, ...json].flatMap((seam) => [seam - 1, seam, seam + 1]);
  const parts = [0.25, 0.5, 0.75].map((part) => Math.floor(part * size));
  return [...new Set([0, 1, ...at, ...parts, size - 1])].filter((each) => each < size);
}

it.each<[string, Outcome[]]>([
  // What the log has of it is read from there.
  ['run.sqlite', ['quarantined', 'refused', 'mended']],
  // An earlier commit: what came after it is not found.
  ['run.sqlite-wal', ['mended', 'refused']],
  ['checkpoints/step_00000020.safetensors', ['refused']],
  ['samples/step_00000020.png', ['refused']],
])('%s cut at its seams', (file, may) => {
  for (const bytes of places(file)) {
    cut(file, bytes);
    expect(may, `${file} of ${bytes} bytes`).toContain(outcome(true));
  }
});

it.each<[string, Outcome]>([
  ['run.json', 'quarantined'],
  ['labels.json', 'quarantined'],
  ['summary.json', 'mended'],
])('%s cut at every byte is %s', (file, expected) => {
  const size = sizeOf(file);
  const bytes = readFileSync(join(whole, 'runs', victim, file));
  cut(file, 0);
  const store = openStore(here, { readonly: true });
  // The last byte is the end of a line, without which the file is whole.
  for (let length = 0; length < size - 1; length++) {
    writeFileSync(join(here, 'runs', victim, file), bytes.subarray(0, length));
    const summary = store.list().find(({ run }) => run === victim);
    expect(summary?.problem === null ? 'mended' : 'quarantined', `${length} bytes`).toBe(expected);
    if (file !== 'run.json') expect(summary).toMatchObject({ step: 40, last_checkpoint: 20 });
  }
  store.close();
});

it('a damaged run says in the list what was lost and what its folder still has', () => {
  cut('run.json', 5);
  const store = openStore(here, { readonly: true });
  expect(store.list().find(({ run }) => run === victim)?.problem).toMatch(
    /could not be read: it is not whole JSON\. .*the checkpoints of step 10, 20 and 1 picture\. Put/,
  );
  store.close();
});

it('an exported run cut anywhere is refused and leaves nothing', async () => {
  cut('run.json', sizeOf('run.json'));
  const { file } = await exportRun(here, good);
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf('manifest.json') + 512;
  const seams: number[] = [];
  for (let at = 0; at < end; at += 512) if (bytes[at + 257] === 0x75) seams.push(at, at + 512);
  const cuts = [0, 1, ...seams.flatMap((at) => [at - 1, at, at + 1]), end + 5].filter(
    (at) => at >= 0 && at < end + 6,
  );
  for (const at of cuts) {
    writeFileSync(file, bytes.subarray(0, at));
    await expect(importRun(here, file), `${at} bytes`).rejects.toMatchObject({ code: 'bad_data' });
  }
  expect(readdirSync(join(here, 'runs')).sort()).toEqual([victim, good].sort());
});

it('a notebook cut anywhere is refused by name', () => {
  const store = openStore(here);
  const json = JSON.stringify({ cells: [{ kind: 'note', text: 'a' }] });
  store.notebooks.write('cut', json);
  for (let length = 0; length < json.length; length++) {
    writeFileSync(join(here, 'notebooks', 'cut.json'), json.slice(0, length));
    expect(() => store.notebooks.read('cut')).toThrow(/The notebook "cut" is not whole JSON/);
  }
  expect(store.notebooks.list().map(({ name }) => name)).toEqual(['cut']);
  store.close();
});
