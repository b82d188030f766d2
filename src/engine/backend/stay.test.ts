import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { ndarray } from '@shared/maths/ndarray';
import { loadBackend } from '.';
import { capture } from './capture';
import { eager } from './executable';
import type { Program, Traceable } from './executable';
import { trace } from './trace';

const { native } = await loadBackend();
if (!native) console.warn('SKIPPED: state that stays. There is no native TensorFlow.');

const N = 6;
const counted = (from: number) =>
  ndarray(
    Float32Array.from({ length: N }, (_, i) => from + i),
    [N],
  );
function programOf(run: Traceable): Program {
  return {
    state: { a: counted(1), b: counted(10), c: counted(100) },
    functions: { step: { example: () => ({}), run } },
  };
}
/** What two calls put out and leave behind. */
function twice(executable: ReturnType<typeof eager>): unknown {
  const outputs = [executable.call('step', {}), executable.call('step', {})];
  const state = ['a', 'b', 'c'].map((name) => [...executable.read(name).data]);
  executable.dispose();
  return [
    outputs.map((each) => Object.entries(each).map(([name, { data }]) => [name, [...data]])),
    state,
  ];
}

describe.skipIf(!native)('state stays where it lies', () => {
  const cases: [string, Traceable][] = [
    [
      'what is computed from the old value is written over it',
      ({ a, b }) => ({ outputs: { sum: tf.sum(a!) }, state: { a: tf.add(a!, b!) } }),
    ],
    [
      'what trades places is copied before either is written',
      ({ a, b, c }) => {
        const state = { a: tf.clone(b!), b: tf.clone(c!), c: tf.clone(a!) };
        return { outputs: { one: tf.scalar(1) }, state };
      },
    ],
    [
      'views of the old value are put out as they were',
      ({ a }) => {
        const outputs = {
          old: tf.clone(a!),
          part: tf.slice(a!, 2, 3),
          square: tf.reshape(a!, [2, 3]),
        };
        return { outputs, state: { a: tf.mul(a!, 2) } };
      },
    ],
    [
      'a copy of what is not written, and what stays as it is',
      ({ b, c }) => {
        const state = { a: tf.clone(b!), b: tf.clone(b!), c: tf.zerosLike(c!) };
        return { outputs: { one: tf.scalar(1) }, state };
      },
    ],
  ];
  it.each(cases)('%s', (_, run) => {
    if (!native) return;
    expect(twice(capture(programOf(run), native))).toEqual(twice(eager(programOf(run))));
  });

  it('nothing that is computed is assigned', () => {
    if (!native) return;
    const { nodes } = trace(programOf(cases[0]?.[1] as Traceable), native).graph;
    const ops = nodes.filter(({ name }) => !name.startsWith('set/')).map(({ op }) => op);
    expect(ops).toContain('InplaceUpdate');
    expect(ops).not.toContain('AssignVariableOp');
  });
});
