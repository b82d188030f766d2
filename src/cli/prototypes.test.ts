import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ndarray } from '@shared/maths/ndarray';
import { openStore } from '../store';
import { ORIGIN, temporaryRoot } from '../store/testing/workspace';
import { run } from './run';
import { fakeContext } from './testing';

let root: string;
let remove: () => void;
beforeEach(() => ({ root, remove } = temporaryRoot()));
afterEach(() => remove());

async function outcome(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, stdout, stderr } = fakeContext();
  const code = await run(['prototypes', ...args, '--workspace', root], context);
  return { code, out: stdout.text, err: stderr.text };
}

/** A run whose third prototype is dead and whose first two are twins. */
function written(): string {
  const store = openStore(root);
  const writer = store.create(ORIGIN);
  const shares = [0.6, 0.3, 0, 0.1];
  writer.writePrototypes(
    {
      ...{ step: 50, wall: 0, assignments: 1000, perplexity: 2.5, churn: 0.125 },
      ids: ndarray(Int32Array.of(0, 1, 2, 3), [4]),
      bank: ndarray(Float32Array.of(1, 0, 1, 0.1, 0, 1, -1, 0), [4, 2]),
      features: ndarray(new Float32Array(4), [2, 2]),
      assignment: ndarray(Int32Array.of(0, 1), [2]),
      usage: ndarray(Float32Array.from(shares), [4]),
      ...{ purity: 0.75, nmi: null, swaps: [{ t: 62, change: 0.00025 }] },
    },
    50,
  );
  store.labelPrototype(writer.run, { prototype: 2, name: 'loops', colour: null });
  store.close();
  return writer.run;
}

describe('protodiff prototypes', () => {
  it('says how the prototypes are used and what is wrong, by the names they were given', async () => {
    const id = written();
    const { code, out } = await outcome('last');
    expect(code).toBe(0);
    expect(out).toContain(`${id} at step 50, 4 prototypes`);
    expect(out).toMatch(/perplexity +2\.50\n/);
    expect(out).toMatch(/churn +0\.125\n/);
    expect(out).toMatch(/NMI +–\n/);
    expect(out).toMatch(/change of eps on a swap +0\.00025\n/);
    expect(out).toMatch(/p0 +60\.0 %\n/);
    expect(out).toMatch(/loops +0\.0 %\n/);
    expect(out).toMatch(/dead: loops \(0\.000, limit 0\.025\)\n/);
    expect(out).toMatch(/twins: p0, p1 \(0\.995, limit 0\.950\)\n/);
  });

  it('gives the same to machines', async () => {
    const id = written();
    const { out } = await outcome(id, '--json');
    expect(JSON.parse(out)).toMatchObject({
      ...{ run: id, step: 50, perplexity: 2.5, nmi: null },
      prototypes: [{ name: 'p0' }, { name: 'p1' }, { name: 'loops', usage: 0 }, { name: 'p3' }],
      alarms: [
        { kind: 'dead', prototypes: [2] },
        { kind: 'twins', prototypes: [0, 1] },
      ],
    });
  });

  it('says when there is nothing to say, and which run is missing', async () => {
    const store = openStore(root);
    const { run: id } = store.create(ORIGIN);
    store.close();
    expect((await outcome(id)).out).toBe(`${id} has no snapshots of its prototypes.\n`);
    expect(JSON.parse((await outcome(id, '--json')).out)).toEqual({
      run: id,
      step: null,
      alarms: [],
    });
    const missing = await outcome('no-such');
    expect(missing.code).toBe(1);
    expect(missing.err).toContain('There is no run "no-such"');
  });
});
