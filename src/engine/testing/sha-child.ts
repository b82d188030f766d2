import { configFor } from '@shared/config/presets';
import { createEngine } from '../engine';

// For tests: trains the tiny preset in a process of its own and prints the hash of its weights.
const [workspace = '', resources = '', steps = ''] = process.argv.slice(2);

void createEngine({ workspace, resources, importerEntry: '', appVersion: '0' }).then(
  async (engine) => {
    const config = configFor('tiny', { kind: 'digits' });
    config.training = { ...config.training, steps: Number(steps) };
    const signal = new AbortController().signal;
    const { run } = await engine.request('run.start', { config }, signal);
    const state = async (): Promise<string> =>
      (await engine.request('run.get', { run }, signal)).summary.state;
    while ((await state()) !== 'finished') await new Promise((done) => setTimeout(done, 20));
    process.stdout.write(await engine.weightsSha256(run));
    await engine.close();
    process.exit(0);
  },
);
