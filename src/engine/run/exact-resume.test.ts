import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../store';
import { isExact } from '../../store/port';
import { SEED, seeded } from '../../store/testing/random';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import { openContinued, openFresh } from './open';
import { config, created, dataset, go, plan, STEPS, traceOf } from './testing';

/** The same bits as a run that never stopped, from random points; POINTS=20 takes more of them. */
const POINTS = Number(process.env.POINTS ?? 5);

const root = mkdtempSync(join(tmpdir(), 'protodiff-exact-'));
let backend: LoadedBackend;

beforeAll(async () => {
  backend = await loadBackend();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it(`gives the same bits from ${POINTS} random points (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  const points = Array.from({ length: STEPS - 1 }, (_, i) => i + 1);
  while (points.length > POINTS) points.splice(random(points.length), 1);

  // One run straight to the end. At each point its folder is copied, as a kill at that moment
  // would leave it; at every other one a checkpoint is written first, as at a pause.
  const straight = openStore(join(root, 'straight'));
  const writer = created(straight);
  const { run } = writer;
  const session = go(openFresh(config, dataset, backend, writer, plan));
  session.pause();
  for (const [n, point] of points.entries()) {
    while (session.step < point) {
      session.singleStep();
      const reached = session.step + 1;
      while (session.step < reached) await new Promise((done) => setImmediate(done));
    }
    await new Promise((done) => setImmediate(done));
    // Once a person steers, too.
    if (n === 0) session.setKnobs({ alpha: 0.4 });
    if (n % 2 === 0) session.checkpoint();
    cpSync(join(root, 'straight'), join(root, `left-${point}`), { recursive: true });
  }
  session.resume();
  expect(await session.ended).toBe('finished');
  const expected = traceOf(straight, run);
  straight.close();

  for (const point of points) {
    const store = openStore(join(root, `left-${point}`));
    const opened = openContinued(run, store, dataset, backend, store.open(run));
    const from = opened.trainer.step;
    expect(from).toBeLessThanOrEqual(point);
    expect(await go(opened).ended).toBe('finished');
    expect(traceOf(store, run)).toEqual(expected);
    const { resumes, events } = store.read(run);
    expect(resumes.map(({ step }) => step)).toEqual(from === 0 ? [] : [from]);
    expect(resumes.every(isExact)).toBe(true);
    expect(events.filter(({ kind }) => kind === 'note')).toEqual([]);
    store.close();
  }
}, 240_000);
