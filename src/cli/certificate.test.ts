import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../store';
import { ORIGIN, temporaryRoot, tensorsOf } from '../store/testing/workspace';
import { run } from './run';
import { fakeContext } from './testing';

let root: string;
let remove: () => void;
beforeEach(() => ({ root, remove } = temporaryRoot()));
afterEach(() => remove());

async function outcome(...args: string[]): Promise<{ code: number; out: string }> {
  const { context, stdout } = fakeContext();
  const code = await run(['certificate', 'last', ...args, '--workspace', root], context);
  return { code, out: stdout.text };
}

it('says what each resume began from, and ends with 1 where that is not what was saved', async () => {
  const store = openStore(root);
  const writer = store.create(ORIGIN);
  const { file, sha256: saved } = writer.writeCheckpoint(20, tensorsOf(2), {}, 3);
  const next = { saved_next: 'ab'.repeat(32), began_next: 'ab'.repeat(32) };
  const resume = { wall: 0, step: 20, file, saved, ...next };
  expect((await outcome()).out).toContain('never taken up again');
  writer.appendResume({ ...resume, began: saved });
  const good = await outcome();
  expect(good.code).toBe(0);
  expect(good.out).toMatch(new RegExp(`step 20 +${saved} +whole\n`));
  expect(good.out).toMatch(new RegExp(`step 20 +${saved} +abababababababab +exact\n`));

  writer.appendResume({ ...resume, began: saved, began_next: 'cd'.repeat(32) });
  expect((await outcome()).code).toBe(1);
  writer.appendResume({ ...resume, began: '0'.repeat(64) });
  expect((await outcome()).out).toContain(`not exact: the checkpoint has ${saved}`);
  store.close();

  truncateSync(join(root, 'runs', writer.run, file), 90);
  const cut = JSON.parse((await outcome('--json')).out) as object;
  expect(cut).toMatchObject({
    exact: false,
    checkpoints: [{ step: 20, problem: expect.stringContaining('90 bytes') as string }],
    resumes: [{ exact: true }, { exact: false }, { exact: false }],
  });
});
