import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FAMILY } from '@shared/config/family';
import type { Variant } from '@shared/config/family';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import { loadDigits } from '../data/shipped';
import type { Dataset } from '../data/dataset';
import { checkpointTensors } from './checkpoint';
import { geometryOf } from './program';
import { executableFor, kindsOf } from './testing';
import { Trainer } from './trainer';
import type { StepReport } from './trainer';

const STEPS = 300;
const FIRST = 100;
const tiny = configFor('tiny', { kind: 'digits' });

function member(variant: Variant, attention: 'one' | 'all' = 'one'): RunConfig {
  return {
    ...tiny,
    model: {
      ...tiny.model,
      ...{ variant, attention, k: 10, block_out_channels: [8, 8], attention_levels: [] },
      ...{ encoder_widths: [4, 8, 8], norm_num_groups: 2 },
    },
    training: { ...tiny.training, steps: STEPS, prototype_steps: FIRST },
  };
}

let backend: LoadedBackend;
let data: Dataset;
beforeAll(async () => {
  backend = await loadBackend();
  data = await loadDigits(join(import.meta.dirname, '../../../resources'), tiny.data);
});

const mean = (list: (number | undefined)[]): number =>
  list.reduce<number>((sum, value) => sum + (value ?? NaN), 0) / list.length;

/** Trains to the end; the reports and the names in a checkpoint of it. */
function train(config: RunConfig): { reports: StepReport[]; names: string[] } {
  const executable = executableFor(config, backend, kindsOf(backend).at(-1) ?? 'eager');
  const geometry = geometryOf(config);
  const trainer = new Trainer(config, geometry, data, executable, { ...config.knobs }, 0);
  const reports = Array.from({ length: STEPS }, () => trainer.runStep());
  const names = Object.keys(checkpointTensors(executable, geometry, STEPS));
  executable.dispose();
  return { reports, names };
}

describe('each member of the family learns digits', () => {
  const members = (Object.keys(FAMILY) as Variant[]).map((each): [string, RunConfig] => [
    FAMILY[each].title,
    member(each),
  ]);
  it.each([...members, ['PDM, attention to all', member('pdm', 'all')]])('%s', (_, config) => {
    const { variant } = config.model;
    const { reports, names } = train(config);
    const from = variant === 'protodiffusion' ? FIRST : 0;
    const errors = reports.slice(from).map(({ metrics }) => metrics.diffusion);
    expect(mean(errors.slice(-50))).toBeLessThan(0.6 * mean(errors.slice(0, 5)));

    const prototypes = names.filter((name) => /^prototype\.|bottleneck_attn/.test(name));
    expect(prototypes.length > 0).toBe(FAMILY[variant].bank);
    expect(names.includes('unet.class_embedding.weight')).toBe(variant === 'class');
    const { metrics, index } = reports.at(-1) as StepReport;
    expect(metrics.align !== undefined).toBe(FAMILY[variant].bank && from === 0);
    expect(index.length).toBe(variant === 'ddpm' ? 0 : config.training.batch_size);
    if (from > 0) {
      const first = reports.slice(0, from).map((report) => report.metrics);
      expect(first.every(({ diffusion }) => diffusion === undefined)).toBe(true);
      expect(mean(first.slice(-10).map(({ total }) => total))).toBeLessThan(
        0.9 * mean(first.slice(0, 5).map(({ total }) => total)),
      );
    }
  });

  it('ProtoDiffusion keeps its prototypes to the bit once they are frozen, and the UNet till then', () => {
    const base = member('protodiffusion');
    const config = { ...base, training: { ...base.training, steps: 6, prototype_steps: 3 } };
    const executable = executableFor(config, backend, 'eager');
    const geometry = geometryOf(config);
    const trainer = new Trainer(config, geometry, data, executable, { ...config.knobs }, 0);
    const parts = (): { bank: string; unet: string } => {
      const tensors = checkpointTensors(executable, geometry, trainer.step);
      const text = (test: RegExp): string =>
        Object.entries(tensors)
          .filter(([name]) => test.test(name))
          .map(([, { data }]) => data.join())
          .join();
      return { bank: text(/^prototype\.(?!.*running|.*tracked)/), unet: text(/^unet\./) };
    };
    const start = parts();
    for (let i = 0; i < 3; i++) trainer.runStep();
    const learned = parts();
    expect(learned.bank).not.toBe(start.bank);
    expect(learned.unet).toBe(start.unet);
    for (let i = 0; i < 3; i++) trainer.runStep();
    expect(parts().bank).toBe(learned.bank);
    expect(parts().unet).not.toBe(learned.unet);
    executable.dispose();
  });
});
