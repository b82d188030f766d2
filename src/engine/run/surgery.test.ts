import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planOf } from '@shared/config/journal';
import type { JournalPlan } from '@shared/config/journal';
import type { RunConfig } from '@shared/config/run-config';
import type { Act } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { openStore } from '../../store';
import type { RunStore } from '../../store/port';
import { isExact } from '../../store/port';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import { ROLES } from '../training/surgery';
import { childOf } from './branch';
import { openContinued, openFresh } from './open';
import type { OpenRun } from './open';
import type { RunSession } from './session';
import { weightsOf } from './stored';
import { config as tiny, dataset, go, traceOf } from './testing';

const root = mkdtempSync(join(tmpdir(), 'protodiff-surgery-'));
let backend: LoadedBackend;

beforeAll(async () => {
  backend = await loadBackend();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** As small and short as can be: each act that changes K has the step captured anew. */
const STEPS = 8;
const config: RunConfig = {
  ...tiny,
  model: { ...tiny.model, block_out_channels: [8, 8], attention_levels: [], norm_num_groups: 4 },
  training: {
    ...tiny.training,
    steps: STEPS,
    checkpoint_every: 5,
    validate_every: 0,
    probe_every: 4,
  },
  knobs: { ...tiny.knobs, sample_every: 1000 },
  sampling: { ...tiny.sampling, steps: 2, count: 2 },
};

interface Held {
  store: RunStore;
  opened: OpenRun;
  session: RunSession;
}

let made = 0;
function start(plan: JournalPlan = [], of: RunConfig = config): Held {
  made += 1;
  const store = openStore(join(root, `store-${made}`));
  const { name, fingerprint, count: images } = dataset;
  const data = { name, fingerprint, images };
  const writer = store.create({ config: of, plan, versions: {}, data });
  const opened = openFresh(of, dataset, backend, writer, plan);
  const session = go(opened);
  session.pause();
  return { store, opened, session };
}

async function stepTo({ session }: Pick<Held, 'session'>, step: number): Promise<void> {
  while (session.step < step) {
    const reached = session.singleStep();
    while (session.step < reached) await new Promise((done) => setImmediate(done));
  }
}

/** The row of a prototype in each part of the state. */
function rowsOf({ opened }: Pick<Held, 'opened'>, id: number): Float32Array[] {
  const { dim } = opened.geometry.spec;
  const at = opened.bank.ids.indexOf(id) * dim;
  return ROLES.map((role) => opened.trainer.executable.read(role).data.slice(at, at + dim));
}

/** Those of the first steps are a person's, the others are planned. The bank has 4 at first. */
const OWN: { at_step: number; act: Act }[] = [
  { at_step: 0, act: { kind: 'freeze', prototype: 2 } },
  { at_step: 2, act: { kind: 'revive', prototype: 1 } },
  { at_step: 2, act: { kind: 'split', prototype: 3 } },
  { at_step: 2, act: { kind: 'add' } },
];
const PLANNED: { at_step: number; act: Act }[] = [
  { at_step: 5, act: { kind: 'unfreeze', prototype: 2 } },
  { at_step: 5, act: { kind: 'remove', prototype: 5 } },
  { at_step: 5, act: { kind: 'merge', prototype: 0, into: 4 } },
  { at_step: 7, act: { kind: 'undo', act: 6 } },
];

describe('acts on prototypes', () => {
  it('give the same bits when resumed across them and when replayed', async () => {
    const straight = start(PLANNED);
    const { store, session, opened } = straight;
    const { run } = session;
    const left: [folder: string, from: number][] = [];
    for (let step = 0; step < STEPS; step++) {
      await stepTo(straight, step);
      expect(opened.config.model.k).toBe(opened.bank.ids.length);
      for (const { act } of OWN.filter(({ at_step }) => at_step === step)) session.operate(act);
      // A kill: the checkpoint is from before the acts of its step.
      const from = new Map([
        [3, 2],
        [6, 5],
      ]).get(step);
      if (from === undefined) continue;
      const folder = join(root, `left-${step}`);
      cpSync(store.root, folder, { recursive: true });
      left.push([folder, from]);
    }
    session.resume();
    expect(await session.ended).toBe('finished');
    expect(opened.bank).toEqual({ ids: [0, 1, 2, 3, 4], frozen: [], next: 6 });
    const expected = traceOf(store, run, STEPS);
    const { acts } = store.read(run);
    expect(planOf([], acts)).toEqual([...OWN, ...PLANNED]);
    store.close();

    for (const [folder, from] of left) {
      const again = openStore(folder);
      const resumed = openContinued(run, again, dataset, backend, again.open(run));
      expect(resumed.trainer.step).toBe(from);
      expect(await go(resumed).ended).toBe('finished');
      expect(traceOf(again, run, STEPS)).toEqual(expected);
      expect(again.read(run).resumes.every(isExact)).toBe(true);
      again.close();
    }

    const replay = start([...OWN, ...PLANNED]);
    replay.session.resume();
    expect(await replay.session.ended).toBe('finished');
    expect(traceOf(replay.store, replay.session.run, STEPS)).toEqual(expected);
    replay.store.close();
  }, 400_000);

  it('frozen rows stay bit for bit, undone ones come back so, and what cannot be done is refused', async () => {
    const held = start([], { ...config, training: { ...config.training, steps: 100 } });
    const { session, opened, store } = held;
    await stepTo(held, 2);
    session.operate({ kind: 'freeze', prototype: 0 });
    const [params, m, v, ema] = rowsOf(held, 0);
    const before = rowsOf(held, 1);
    session.operate({ kind: 'revive', prototype: 1 });
    const revived = rowsOf(held, 1);
    expect(revived[0]).not.toEqual(before[0]);
    expect([...(revived[1] ?? [1]), ...(revived[2] ?? [1])].every((x) => x === 0)).toBe(true);
    await stepTo(held, 22);
    const after = rowsOf(held, 0);
    expect(after.slice(0, 3)).toEqual([params, m, v]);
    expect(after[3]).not.toEqual(ema);
    expect(rowsOf(held, 1)[0]).not.toEqual(revived[0]);
    session.operate({ kind: 'undo', act: 1 });
    expect(rowsOf(held, 1)).toEqual(before);
    // A split takes two rows; undone it is one again, as it was.
    const split = rowsOf(held, 2);
    session.operate({ kind: 'split', prototype: 2 });
    expect(opened.bank.ids).toEqual([0, 1, 2, 3, 4]);
    expect(rowsOf(held, 4)[1]).toEqual(split[1]);
    session.operate({ kind: 'undo', act: 3 });
    expect(rowsOf(held, 2)).toEqual(split);

    const refused = (act: Act): string => {
      const state = rowsOf(held, 0);
      try {
        session.operate(act);
      } catch (thrown) {
        expect(rowsOf(held, 0)).toEqual(state);
        return AppError.from(thrown).message;
      }
      return 'done';
    };
    expect(refused({ kind: 'split', prototype: 4 })).toMatch(/no prototype 4 now/);
    expect(refused({ kind: 'revive', prototype: 0 })).toMatch(/is frozen/);
    expect(refused({ kind: 'undo', act: 3 })).toMatch(/undone already/);
    Object.assign(opened, {
      config: { ...opened.config, model: { ...opened.config.model, variant: 'spdm' } },
    });
    expect(refused({ kind: 'add' })).toBe('s-PDM has one prototype a class: their number stays.');
    Object.assign(opened, { config });
    const { journal, acts, checkpoints } = store.read(session.run);
    expect([journal.length, acts.length]).toEqual([0, 5]);
    // Written before the acts, not by the calendar.
    expect(checkpoints.map(({ step }) => step)).toContain(22);
    // A branch has the numbers of its parent, and new ones after them.
    session.checkpoint();
    const { bank, first } = childOf(store, session.run, 22, {
      ...{ ...config, training: { ...config.training, steps: 50 } },
      model: { ...config.model, k: 5 },
    });
    expect(bank).toEqual({ ids: [0, 1, 2, 3, 5], frozen: [0], next: 6 });
    expect(first.metadata.acts).toBeUndefined();
    expect(weightsOf(store, session.run, 'raw').ids).toEqual([0, 1, 2, 3]);
    await session.stop('released');
    store.close();
  }, 120_000);
});
