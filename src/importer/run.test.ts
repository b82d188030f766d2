import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ImportJob } from './job';
import { runImporter } from './run';

// The parent's side, over importers that misbehave: each is a few lines of plain JavaScript.
let home: string;
let job: ImportJob;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'protodiff-run-'));
  job = { kind: 'folder', path: home, image_size: 16, channels: 3, cache: join(home, 'cache') };
});
afterEach(() => {
  expect(readdirSync(job.cache)).toEqual([]); // nothing is ever left behind
  rmSync(home, { recursive: true });
});

function importer(body: string): string {
  const entry = join(home, 'importer.cjs');
  writeFileSync(
    entry,
    `process.once('disconnect', () => process.exit(1));
     const at = (current) =>
       process.send({ type: 'progress', done: 1, total: 9, current });
     process.once('message', ({ work }) => { ${body} });`,
  );
  return entry;
}

const refused = (message: RegExp): object => ({
  code: 'bad_data',
  message: expect.stringMatching(message),
  remedy: expect.stringMatching(/^Take that file out/),
});

it('stops an import that hangs, however hard, and names the file', async () => {
  const entry = importer(`at('bad.png'); setTimeout(() => { for (;;); }, 50);`);
  await expect(runImporter(job, { entry, budget: { stall_ms: 3000 } })).rejects.toMatchObject(
    refused(/stopped at bad\.png or one of the files after it: it got nowhere for 3 s\.$/),
  );
});

it('lets an import take its time while it gets on', async () => {
  const entry = importer(`
    let n = 0;
    setInterval(() => at(String(++n)), 100);
    setTimeout(() => process.send({ type: 'failed', error: { code: 'bad_data', message: 'Done.' } }, () => process.exit(0)), 3600);`);
  await expect(runImporter(job, { entry, budget: { stall_ms: 2500 } })).rejects.toThrow('Done.');
});

it('stops an import that floods memory', async () => {
  const entry = importer(`
    at('big.png');
    const kept = [];
    setInterval(() => {
      kept.push(Buffer.alloc(2e7, 1));
      process.send({ type: 'memory', rss: process.memoryUsage().rss });
    }, 10);`);
  await expect(runImporter(job, { entry, budget: { rss_bytes: 3e8 } })).rejects.toMatchObject(
    refused(/stopped at big\.png .*: it took 0\.\d GB of memory\.$/),
  );
});

it('reports a crash, with the file', async () => {
  const entry = importer(
    `at('x.png'); setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 50);`,
  );
  await expect(runImporter(job, { entry })).rejects.toMatchObject(
    refused(/broke off at x\.png .*\(SIGSEGV\)\.$/),
  );
});

it.each([
  [
    'throws',
    `throw new Error('libvips is missing');`,
    /\(exit code 1\): Error: libvips is missing/,
  ],
  ['ends in silence', `process.exit(0);`, /does not start \(exit code 0\)\.$/],
])('an importer that %s does not start', async (_what, body, message) => {
  await expect(runImporter(job, { entry: importer(body) })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(message),
  });
});

it('reports an entry that is not there, with what Node says', async () => {
  const entry = join(home, 'missing.cjs');
  await expect(runImporter(job, { entry })).rejects.toThrow(/does not start .*Cannot find module/);
});

it('takes no message that the schema does not know', async () => {
  const entry = importer(`process.send({ type: 'written', key: 7 }); setInterval(() => {}, 50);`);
  await expect(runImporter(job, { entry })).rejects.toThrow('The importer spoke gibberish.');
});

it('refuses a result whose bytes do not fit its report', async () => {
  const report = {
    count: 1,
    height: 16,
    width: 16,
    channels: 3,
    classes: [],
    labelled: false,
    images_sha256: 'a'.repeat(64),
    labels_sha256: 'b'.repeat(64),
    skipped: [],
    skipped_total: 0,
  };
  const entry = importer(`
    const fs = require('node:fs');
    fs.writeFileSync(work + '/images.u8', Buffer.alloc(768));
    fs.writeFileSync(work + '/labels.i32', '');
    fs.writeFileSync(work + '/report.json', ${JSON.stringify(JSON.stringify(report))});
    process.send({ type: 'written', key: 'abc' }, () => process.exit(0));`);
  await expect(runImporter(job, { entry })).rejects.toThrow(/reads back differently/);
});

it('can be cancelled before and during the import, within two seconds', async () => {
  const entry = importer(`at('a.png'); for (;;);`);
  await expect(runImporter(job, { entry, signal: aborted() })).rejects.toMatchObject({
    code: 'cancelled',
  });
  const control = new AbortController();
  let asked = 0;
  const cancel = (): void => {
    asked ||= Date.now();
    control.abort();
  };
  const promise = runImporter(job, { entry, signal: control.signal, onProgress: cancel });
  setTimeout(cancel, 5000);
  await expect(promise).rejects.toMatchObject({ code: 'cancelled' });
  expect(Date.now() - asked).toBeLessThan(2000);
});

it('says so when the cache cannot be written', async () => {
  mkdirSync(job.cache);
  const file = join(home, 'file');
  writeFileSync(file, '');
  const blocked = { ...job, cache: join(file, 'cache') };
  await expect(runImporter(blocked, { entry: importer('') })).rejects.toMatchObject({
    code: 'disk',
  });
});

function aborted(): AbortSignal {
  const control = new AbortController();
  control.abort();
  return control.signal;
}
