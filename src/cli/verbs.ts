import { FAMILY } from '@shared/config/family';
import { PRESET_NAMES } from '@shared/config/presets';
import { SamplerNameSchema } from '@shared/config/sampling-rows';
import type { OptionSpec, Verb } from './call';

const workspace: OptionSpec = {
  value: 'DIR',
  help: 'where runs are kept (default: $PROTODIFF_WORKSPACE, else ~/Protodiff)',
};
const set: OptionSpec = {
  value: 'NAME=VALUE',
  multiple: true,
  help: 'a knob (lr=3e-4) or any setting of the configuration (model.k=20)',
};
const progress: OptionSpec = { help: 'progress goes to stderr, the last line of stdout is JSON' };
const search: OptionSpec = {
  value: 'WORDS',
  help: 'only runs with these words in name, tags, data, preset or state; or starred',
};
const json: OptionSpec = { help: 'print JSON for machines' };

const sweeps: Record<string, OptionSpec> = {
  sweep: {
    value: 'NAME=VALUES',
    multiple: true,
    help: 'a run for each value, names as of --set: lr=1e-3,3e-4; seed=1..3; lr=1e-4..1e-2:5log; every combination of several',
  },
  'skip-invalid': { help: 'leave out combinations of a sweep that no run can have' },
};

/** What makes a run's configuration. */
const configuration: Record<string, OptionSpec> = {
  data: { value: 'SOURCE', help: 'digits, emoji, or a folder of images or CIFAR-10 files' },
  preset: { value: 'NAME', help: `${PRESET_NAMES.join(', ')} (default: quick)` },
  steps: { value: 'N', help: 'training steps' },
  batch: { value: 'N', help: 'images a step' },
  seed: { value: 'N', help: 'decides every random draw' },
  model: { value: 'NAME', help: `${Object.keys(FAMILY).join(', ')} (default: the preset’s)` },
  k: { value: 'N', help: 'prototypes, or classes where the model goes by labels' },
  size: { value: 'N', help: 'edge of the images in pixels' },
  lr: { value: 'X', help: 'peak learning rate' },
  warmup: { value: 'N', help: 'steps until the rate is reached' },
  prediction: { value: 'NAME', help: 'what the UNet puts out: eps, v or x_0' },
  precision: { value: 'NAME', help: 'of the training: f32, or bf16 for large products' },
  set,
};

/** Every verb; each loads its code when it runs, so that the help never waits for TensorFlow. */
export const VERBS: Record<string, Verb> = {
  train: {
    summary: 'train a model',
    arity: [0, 0],
    options: {
      ...configuration,
      journal: {
        value: 'FILE',
        help: "replay a run's exported journal: its configuration, each knob change at its step",
      },
      ...sweeps,
      workspace,
      json: progress,
    },
    notes:
      'Ctrl+C writes a checkpoint and stops; resume RUN goes on from there, queue run with a sweep. A sweep prints a line of JSON a run, and one that ranks them.',
    run: async (call) =>
      call.texts('sweep').length > 0
        ? (await import('./sweep')).sweep(call)
        : (await import('./train')).train(call),
  },
  resume: {
    summary: 'continue a run from its newest checkpoint',
    operands: 'RUN',
    arity: [1, 1],
    options: {
      workspace,
      json: progress,
    },
    notes: 'RUN is an id, a name, or last.',
    run: async (call) => (await import('./train')).resume(call),
  },
  branch: {
    summary: 'start a child of a run from one of its checkpoints, with other settings',
    operands: 'RUN',
    arity: [1, 1],
    options: {
      step: {
        value: 'N',
        help: 'from the checkpoint of this step, or the nearest before (needed)',
      },
      steps: { value: 'N', help: 'train to this step, counted from the first of the parent' },
      data: { value: 'SOURCE', help: 'other images: digits, emoji, or a folder' },
      set,
      workspace,
      json: progress,
    },
    notes: 'RUN is an id, a name, or last. Settings that change the shapes of weights are refused.',
    run: async (call) => (await import('./train')).branch(call),
  },
  sample: {
    summary: 'draw pictures from a run’s newest checkpoint',
    operands: 'RUN',
    arity: [1, 1],
    options: {
      count: { value: 'N', help: 'pictures' },
      sampler: { value: 'NAME', help: SamplerNameSchema.options.join(', ') },
      steps: { value: 'N', help: 'sampler steps' },
      seed: { value: 'N', help: 'of the noise' },
      guidance: {
        value: 'W',
        help: 'of models trained with condition_dropout (default: the run’s)',
      },
      eta: {
        value: 'X',
        help: 'of DDIM: 0 deterministic, 1 as noisy as DDPM (default: the run’s)',
      },
      draw: { value: 'MODE', help: 'per_image, per_step or all' },
      prototype: { value: 'K', help: 'every picture of this prototype or class, numbered from 0' },
      out: { value: 'FILE', help: 'a PNG (default: RUN-stepN.png here)' },
      workspace,
      json,
    },
    notes: 'RUN is an id, a name, or last.',
    run: async (call) => (await import('./sample')).sample(call),
  },
  prototypes: {
    summary: 'say how a run’s prototypes are used, and what is wrong with them',
    operands: 'RUN',
    arity: [1, 1],
    options: { workspace, json },
    notes: 'RUN is an id, a name, or last.',
    run: async (call) => (await import('./prototypes')).prototypes(call),
  },
  export: {
    summary: 'write a run’s model for PyTorch and diffusers',
    operands: 'RUN',
    arity: [1, 1],
    options: {
      format: { value: 'NAME', help: 'diffusers, the only one' },
      checkpoint: { value: 'STEP', help: 'of this step (default: the newest)' },
      out: {
        value: 'DIR',
        help: 'a folder that is not there yet (default: RUN-stepN-diffusers here)',
      },
      workspace,
      json,
    },
    notes: 'RUN is an id, a name, or last.',
    run: async (call) => (await import('./export')).exportRun(call),
  },
  import: {
    summary: 'make a run from a state dict of the reference',
    operands: 'FILE.safetensors',
    arity: [1, 1],
    options: { ...configuration, workspace, json },
    notes: 'The run begins at step 0 with these weights; resume RUN trains it on.',
    run: async (call) => (await import('./import')).importRun(call),
  },
  certificate: {
    summary: 'say what each resume of a run began from, beside what its checkpoint had',
    operands: 'RUN',
    arity: [1, 1],
    options: { workspace, json },
    notes:
      'RUN is an id, a name, or last. Exits 1 when a resume was not exact, or a file has changed.',
    run: async (call) => (await import('./certificate')).certificate(call),
  },
  queue: {
    summary: 'list, add, run, remove, restore, retry, move and clear jobs that wait',
    operands: 'ACT …',
    arity: [0, 1001],
    options: { ...configuration, ...sweeps, workspace, json: progress },
    notes:
      'add takes the options of train, --sweep too. A job whose run broke off goes on from its newest checkpoint.',
    run: async (call) => (await import('./queue')).queue(call),
  },
  runs: {
    summary: 'list, rename, tag, star, delete, restore, copy, export and import runs',
    operands: 'ACT …',
    arity: [0, 51],
    options: {
      search,
      out: { value: 'FILE', help: 'of export (default: in the workspace’s exports)' },
      workspace,
      json,
    },
    notes: [
      'Acts: ls, rename RUN NAME, tag RUN TAG…, untag RUN TAG…, star RUN, unstar RUN, rm RUN,',
      'trash, restore RUN, cp RUN, export RUN, import FILE. RUN is an id, a name, or last.',
      'A deleted run lies in the workspace’s trash. An export is one tar file with checksums.',
    ].join('\n'),
    run: async (call) => (await import('./runs')).runs(call),
  },
  list: {
    summary: 'list runs',
    arity: [0, 0],
    options: { search, workspace, json },
    run: async (call) => (await import('./runs')).list(call),
  },
  get: {
    summary: 'print all that is recorded of a run besides its metrics, as JSON',
    operands: 'RUN',
    arity: [1, 1],
    options: { workspace, json: { help: 'on one line' } },
    notes: 'RUN is an id, a name, or last.',
    run: async (call) => (await import('./query')).get(call),
  },
  query: {
    summary: 'print or save the metrics of a run: CSV, JSON or Parquet',
    operands: 'RUN',
    arity: [1, 1],
    options: {
      metric: { value: 'KEY', multiple: true, help: 'such as train/loss (default: all)' },
      from: { value: 'N', help: 'first step' },
      to: { value: 'N', help: 'last step' },
      every: { value: 'N', help: 'only steps that this divides' },
      format: { value: 'NAME', help: 'csv, json or parquet (default: csv)' },
      out: { value: 'FILE', help: 'write there (Parquet: needed)' },
      workspace,
      json,
    },
    notes: 'RUN is an id, a name, or last. Values are as measured, without smoothing.',
    run: async (call) => (await import('./query')).query(call),
  },
  serve: {
    summary: 'open the workbench in a browser, from this machine only',
    arity: [0, 0],
    options: {
      port: {
        value: 'N',
        help: 'this port or an error (default: 4823, or a free one; 0: a free one)',
      },
      open: { help: 'open the browser (this is the default)' },
      'no-open': { help: 'only print the address' },
      workspace,
      json: { help: 'the first line of stdout is JSON: {url, port}' },
    },
    run: async (call) => (await import('./serve')).serve(call),
  },
  verify: {
    summary: 'compare the model with a pack of the reference’s tensors',
    arity: [0, 0],
    options: { golden: { value: 'DIR', help: 'the pack (needed)' }, json },
    run: async (call) => (await import('./verify')).verify(call),
  },
  doctor: {
    summary: 'say what this machine can run, and why not more',
    arity: [0, 0],
    options: { workspace, json },
    run: async (call) => (await import('./doctor')).doctor(call),
  },
};
