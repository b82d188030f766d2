import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';

/**
 * The two configurations of the PyTorch peer: same widths, layers, attention, K, T; nearest
 * assignment and eps as the reference has them.
 */
export const CONFIGS: Record<string, RunConfig> = { quick: peerQuick(), cifar10: peerCifar10() };

function peerQuick(): RunConfig {
  const base = configFor('quick', { kind: 'digits' });
  return {
    ...base,
    model: {
      ...base.model,
      block_out_channels: [32, 64, 64],
      attention_levels: [2],
      norm_num_groups: 32,
      k: 10,
      assignment: 'nearest',
      prediction: 'eps',
    },
  };
}

function peerCifar10(): RunConfig {
  return configFor('cifar10', { kind: 'cifar10', path: '.' });
}

/** What the application trains at one click. */
CONFIGS['app'] = configFor('quick', { kind: 'digits' });
CONFIGS['tiny'] = configFor('tiny', { kind: 'digits' });
