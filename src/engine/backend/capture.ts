import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '@shared/maths/ndarray';
import { idOf } from './binding';
import type { NativeBackend } from './binding';
import { collect } from './collect';
import type { Arrays, Executable, Program } from './executable';
import { toArray, toTensor } from './executable';
import { trace } from './trace';

/** Elements of a state that is worth collecting after: 32 MB. */
const LARGE = 2 ** 23;

/**
 * Makes a graph of every function of a program and runs each as a single session call from then on:
 * tfjs runs an op at a time, a graph lets TensorFlow schedule, fuse and reuse memory. The state
 * lives in the session; shapes are pinned to those of the examples.
 *
 * @throws Error when a function cannot be traced, see trace
 */
export function capture(program: Program, backend: NativeBackend): Executable {
  const { graph, signatures } = trace(program, backend);
  const dir = mkdtempSync(join(tmpdir(), 'protodiff-graph-'));
  let session: number;
  try {
    writeFileSync(join(dir, 'saved_model.pb'), graph.encode());
    session = backend.loadSavedModelMetaGraph(dir, 'serve');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }

  const run = (inputs: [string, tf.Tensor][], outputs: string[]): tf.Tensor[] => {
    try {
      return backend.binding
        .runSavedModel(
          session,
          inputs.map(([, value]) => idOf(backend, value)),
          inputs.map(([name]) => `${name}:0`).join(','),
          outputs.map((name) => (name.includes(':') ? name : `${name}:0`)).join(','),
        )
        .map((output) => backend.createOutputTensor(output));
    } finally {
      for (const [, value] of inputs) value.dispose();
    }
  };
  const write = (name: string, value: tf.Tensor): void => {
    tf.dispose(run([[`init/${name}`, value]], [`done/${name}`]));
  };
  let elements = 0;
  for (const [name, value] of Object.entries(program.state)) {
    write(name, toTensor(value));
    elements += sizeOf(value.shape);
  }
  const large = elements >= LARGE;

  let begun = false;
  return {
    kind: 'captured',
    call(name, inputs) {
      const signature = signatures[name];
      if (signature === undefined) throw new Error(`no function named ${name}`);
      // Not sooner: whoever made the program still holds the arrays of its first state.
      if (!begun && large) collect();
      begun = true;
      const feeds = signature.inputs.map((key): [string, tf.Tensor] => {
        const value = inputs[key];
        if (value === undefined) throw new Error(`${name} needs the input ${key}`);
        return [`${name}/${key}`, toTensor(value)];
      });
      const results = run(
        feeds,
        signature.outputs.map(([, node]) => node),
      );
      const arrays: Arrays = {};
      results.forEach((tensor, index) => {
        arrays[signature.outputs[index]?.[0] ?? ''] = toArray(tensor);
        tensor.dispose();
      });
      return arrays;
    },
    read(name) {
      const [tensor] = run([], [`get/${name}`]);
      if (tensor === undefined) throw new Error(`no state named ${name}`);
      const value = toArray(tensor);
      tensor.dispose();
      return value;
    },
    write: (name, value) => write(name, toTensor(value)),
    dispose: () => backend.binding.deleteSavedModel(session),
  };
}
