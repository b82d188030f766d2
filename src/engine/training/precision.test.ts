import { beforeAll, describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import { DT } from '../backend/graph';
import type { GraphNode } from '../backend/graph';
import type { Precision } from '../backend/precision';
import { trace } from '../backend/trace';
import { makeExecutable } from '../run/open';
import { geometryOf, trainingProgram } from './program';
import { executableFor, stateFor, stripes } from './testing';
import { Trainer } from './trainer';

const STEPS = 30;
const tiny = configFor('tiny', { kind: 'digits' });

function at(precision: Precision): RunConfig {
  return {
    ...tiny,
    model: { ...tiny.model, precision, attention_levels: [0] },
    training: { ...tiny.training, batch_size: 32, steps: STEPS },
  };
}

const program = (config: RunConfig) =>
  trainingProgram(config, geometryOf(config), stateFor(config));

let backend: LoadedBackend;
beforeAll(async () => {
  backend = await loadBackend();
});

/** The losses of every step, and the weights after the last. */
function train(config: RunConfig, steps = STEPS): { losses: number[]; weights: Float32Array } {
  const executable = executableFor(config, backend, 'captured');
  const trainer = new Trainer(
    config,
    geometryOf(config),
    stripes(config),
    executable,
    { ...config.knobs },
    0,
  );
  const losses = Array.from({ length: steps }, () => trainer.runStep().metrics.total);
  const weights = executable.read('params').data;
  executable.dispose();
  return { losses, weights };
}

function nodesOf(config: RunConfig): GraphNode[] {
  if (!backend.native) throw new Error('these tests need native TensorFlow');
  return trace(program(config), backend.native).graph.nodes;
}
const isHalf = ({ attr }: GraphNode): boolean =>
  ['T', 'SrcT', 'DstT', 'dtype'].some((key) => attr[key]?.['type'] === DT.bfloat16);
const mean = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;

describe('training in bf16', () => {
  it('learns as float32 does', () => {
    const [half, full] = [train(at('bf16')).losses, train(at('f32')).losses];
    expect(half).not.toEqual(full);
    expect(half.every(Number.isFinite)).toBe(true);
    const last = mean(half.slice(-10));
    expect(last).toBeLessThan(0.8 * mean(half.slice(0, 10)));
    expect(Math.abs(last / mean(full.slice(-10)) - 1)).toBeLessThan(0.05);
  }, 120_000);

  it('gives the same bits from the same seed', () => {
    const [first, again] = [train(at('bf16'), 4), train(at('bf16'), 4)];
    expect(again).toEqual(first);
  });

  it('rounds products and nothing of statistics, optimiser, sampling or state', () => {
    const nodes = nodesOf(at('bf16'));
    const halved = nodes.filter(isHalf);
    expect(new Set(halved.map(({ op }) => op))).toEqual(
      new Set([
        ...['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'BatchMatMulV2'],
        ...['BiasAdd', 'BiasAddGrad', 'Softmax', 'Mul', 'Reshape', 'Transpose', 'Cast'],
      ]),
    );
    expect(halved.filter(({ op }) => op === 'Conv2D').length).toBeGreaterThan(10);
    const sampling = nodes.slice(nodes.findIndex(({ name }) => name === 'eps/read/snapshot'));
    expect(sampling.some(isHalf)).toBe(false);
  });

  it('casts no tensor twice and never back at once', () => {
    const nodes = nodesOf(at('bf16'));
    const casts = nodes.filter((node) => node.op === 'Cast' && isHalf(node));
    const asked = casts.map(({ input, attr }) => `${input.join()} ${JSON.stringify(attr['DstT'])}`);
    expect(new Set(asked).size).toBe(asked.length);
    const names = new Set(casts.map(({ name }) => name));
    expect(casts.filter(({ input }) => names.has(input[0] ?? ''))).toEqual([]);
  });

  it('leaves a float32 run as it was: no node of it is in bfloat16', () => {
    expect(nodesOf(at('f32')).filter(isHalf)).toEqual([]);
  });

  it('is refused where steps run op by op', () => {
    const { tf, info } = backend;
    expect(() => makeExecutable(program(at('bf16')), { tf, info })).toThrow(
      /A model in bf16 cannot be trained on/,
    );
    makeExecutable(program(at('f32')), { tf, info }).dispose();
  });
});
