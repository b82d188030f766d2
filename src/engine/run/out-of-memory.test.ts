import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../store';
import type { RunStore, RunWriter } from '../../store/port';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import { memoryError } from '../backend/out-of-memory';
import { openContinued, openFresh } from './open';
import { config as base, dataset, go, plan, STEPS, traceOf } from './testing';

const config = { ...base, training: { ...base.training, batch_size: 16 } };
const root = mkdtempSync(join(tmpdir(), 'protodiff-oom-'));
let backend: LoadedBackend;
beforeAll(async () => {
  backend = await loadBackend();
  limited();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Gradients are computed of no more than so many images at once; told as TensorFlow tells it. */
const allocator = { most: Infinity };

function need(shape: readonly number[] | undefined): void {
  if (shape === undefined || (shape[0] ?? 0) <= allocator.most) return;
  throw new Error(
    `Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[${shape.join(',')}] and type float on /device:CPU:0 by allocator cpu`,
  );
}

/** Gives the backend an allocator that fails above a size: op by op, and in recorded steps. */
function limited(): void {
  const { native } = backend;
  if (native === undefined) throw new Error('this test needs native TensorFlow');
  const { binding } = native;
  const shapes = new Map<number, number[]>();
  const copy: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(binding)) {
    const value = binding[name];
    copy[name] = typeof value === 'function' ? (value.bind(binding) as unknown) : value;
  }
  const fake: Pick<typeof binding, 'createTensor' | 'executeOp' | 'runSavedModel'> = {
    createTensor(shape, dtype, values) {
      const id = binding.createTensor(shape, dtype, values);
      shapes.set(id, shape);
      return id;
    },
    executeOp(op, attrs, inputs, outputs) {
      if (op === 'Conv2DBackpropFilter') need(shapes.get(inputs[0] ?? -1));
      const made = binding.executeOp(op, attrs, inputs, outputs);
      for (const { id, shape } of made) shapes.set(id, shape);
      return made;
    },
    runSavedModel(session, inputs, names, outputs) {
      const images = names.split(',').findIndex((name) => /^(train|gather)_\w+\/x_0/.test(name));
      if (images >= 0) need(shapes.get(inputs[images] ?? -1));
      return binding.runSavedModel(session, inputs, names, outputs);
    },
  };
  native.binding = { ...copy, ...fake } as typeof binding;
}

function created(store: RunStore): RunWriter {
  const { name, fingerprint, count: images } = dataset;
  return store.create({ config, plan, versions: {}, data: { name, fingerprint, images } });
}

/** One turn of the loop. @throws where the run has ended */
async function going({ ended, step }: ReturnType<typeof go>): Promise<void> {
  const turn = new Promise<undefined>((done) => setImmediate(done, undefined));
  const end = await Promise.race([turn, ended]);
  if (end !== undefined) throw new Error(`the run has ${end} at step ${step}`);
}

describe('memory that runs out', () => {
  it.each([
    ['OOM when allocating tensor with shape[32,64,64,128] and type float on /device:GPU:0', 67e6],
    ['Invalid TF_Status: 8\nMessage: failed to allocate memory', null],
    ['std::bad_alloc', null],
    ['Array buffer allocation failed', null],
  ])('is known by what is said: %s', (message, asked) => {
    const error = memoryError(new RangeError(message));
    expect(error?.code).toBe('oom');
    if (asked !== null) expect(error?.message).toBe('Memory ran out (67 MB asked).');
    else expect(error?.asked).toBeNull();
    expect(memoryError(new Error('Invalid TF_Status: 3'))).toBeUndefined();
  });

  it('halves the batch at that step, and a kill around it changes no bit', async () => {
    const straight = openStore(join(root, 'straight'));
    const writer = created(straight);
    const { run } = writer;
    const told: string[] = [];
    const session = go(openFresh(config, dataset, backend, writer, plan), (_level, message) =>
      told.push(message),
    );
    session.pause();
    const stepTo = async (step: number): Promise<void> => {
      while (session.step < step) {
        session.singleStep();
        const reached = session.step + 1;
        while (session.step < reached) await going(session);
      }
      await going(session);
    };
    await stepTo(10);
    allocator.most = 8;
    await stepTo(12);
    cpSync(join(root, 'straight'), join(root, 'killed'), { recursive: true });
    allocator.most = Infinity;
    session.resume();
    expect(await session.ended).toBe('finished');
    const expected = traceOf(straight, run);
    expect(expected).toMatchObject({ steps: Array.from({ length: STEPS }, (_, i) => i + 1) });
    const { halvings, events } = straight.read(run);
    expect(halvings.map(({ step, parts }) => [step, parts])).toEqual([[10, 2]]);
    const [message = ''] = told;
    expect(message).toMatch(
      /^Step 10: memory ran out at batch 16 \(\d+ KB asked\); trains on as 2 × 8, the effective batch is the same\.$/,
    );
    expect(told).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === 'memory').map((each) => each.message)).toEqual([
      message,
    ]);
    straight.close();

    // Its newest checkpoint is that of step 7: steps 8 to 10 are done again whole, then in pieces.
    const store = openStore(join(root, 'killed'));
    const opened = openContinued(run, store, dataset, backend, store.open(run));
    expect(opened.trainer.step).toBe(7);
    expect(await go(opened).ended).toBe('finished');
    expect(traceOf(store, run)).toEqual(expected);
    expect(store.read(run).halvings).toHaveLength(1);
    store.close();
  }, 240_000);

  it('at the first step is met by a smaller program; what cannot be halved ends with a sentence', async () => {
    const store = openStore(join(root, 'start'));
    const told: string[] = [];
    const begin = (): ReturnType<typeof go> =>
      go(openFresh(config, dataset, backend, created(store), plan), (_level, message) =>
        told.push(message),
      );
    allocator.most = 8;
    const first = begin();
    while (first.step < 2) await going(first);
    await first.stop();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(
      /^Step 0: memory ran out at batch 16 \(\d+ KB asked\); trains on as 2 × 8/,
    );

    allocator.most = 1;
    expect(await begin().ended).toBe('failed');
    expect(told.at(-1)).toMatch(
      /^Memory ran out \(\d+ KB asked\) with 4 images at a time, which cannot be halved again\.$/,
    );
    // Nothing is left in the way: with memory the next run works in the same process.
    allocator.most = Infinity;
    const next = begin();
    while (next.step < 2) await going(next);
    await next.stop();
    store.close();
  }, 240_000);
});
