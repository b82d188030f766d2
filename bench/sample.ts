import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { SamplingConfigSchema } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import { loadBackend } from '../src/engine/backend';
import { scheduleOf } from '../src/engine/diffusion/schedule';
import { makeExecutable } from '../src/engine/run/open';
import { initialParameters } from '../src/engine/training/initial';
import { preview } from '../src/engine/training/preview';
import { geometryOf, samplingProgram } from '../src/engine/training/program';
import { CONFIGS } from './lib/configs';
import { spread } from './lib/spread';

/** Times whole pictures, from noise to pixels, of a network with initial weights; one JSON line. `cpu` counts all threads' seconds. */
const { values: flags } = parseArgs({
  options: {
    config: { type: 'string', default: 'app' },
    count: { type: 'string', default: '16' },
    sampler: { type: 'string', default: 'ddim' },
    steps: { type: 'string', default: '10,25,50' },
    guidance: { type: 'string', default: '1' },
    repeats: { type: 'string', default: '5' },
    eager: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const config = CONFIGS[flags.config];
if (config === undefined) throw new Error(`--config is one of ${Object.keys(CONFIGS).join(', ')}`);
if (flags.eager) process.env['PROTODIFF_EAGER'] = '1';

async function main(config: NonNullable<(typeof CONFIGS)[string]>): Promise<void> {
  const backend = await loadBackend();
  const geometry = geometryOf(config);
  const { total } = geometry.layout;
  const count = Number(flags.count);
  const began = performance.now();
  const params = ndarray(initialParameters(geometry.specs, geometry.layout, 1), [total]);
  const executable = makeExecutable(samplingProgram(config, geometry, params, count), backend);
  const capture_s = Number(((performance.now() - began) / 1000).toFixed(2));
  const schedule = scheduleOf(config.diffusion);
  const picture_s = Object.fromEntries(
    flags.steps.split(',').map((text) => {
      const steps = Number(text);
      const { sampler, guidance } = flags;
      const sampling = SamplingConfigSchema.parse({
        ...config.sampling,
        ...{ count, steps, sampler, guidance: Number(guidance) },
      });
      const times: number[] = [];
      const processor: number[] = [];
      for (let i = -1; i < Number(flags.repeats); i++) {
        const start = performance.now();
        const busy = process.cpuUsage();
        const work = preview(config, sampling, geometry, schedule, executable);
        while (work.next().done !== true);
        const { user, system } = process.cpuUsage(busy);
        if (i < 0) continue;
        times.push((performance.now() - start) / 1000);
        processor.push((user + system) / 1e6);
      }
      return [text, { ...spread(times), cpu: spread(processor).median }];
    }),
  );
  const report = {
    impl: 'protodiff',
    backend: backend.info.name,
    device: backend.info.device,
    config: flags.config,
    sampler: flags.sampler,
    guidance: Number(flags.guidance),
    count,
    kind: executable.kind,
    capture_s,
    picture_s,
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    load: loadavg()[0],
  };
  console.log(flags.json ? JSON.stringify(report) : report);
}
void main(config);
