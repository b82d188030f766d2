import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { RunWriter } from '../../store/port';
import { readSafetensors } from '../../store/safetensors';
import { checkpointTensors } from '../training/checkpoint';
import { geometryOf } from '../training/program';
import type { ProgramState } from '../training/program';
import { stateFromDict } from './state-dict';

/**
 * The weights in a state dict of the reference, checked against the model that `config` describes.
 * @throws AppError not_found, bad_checkpoint (see stateFromDict), disk
 */
export function readStateDict(file: string, config: RunConfig): ProgramState {
  if (!existsSync(file)) {
    throw new AppError('not_found', `There is no file ${file}.`, {
      remedy:
        'In PyTorch: safetensors.torch.save_file(model.state_dict(), "weights.safetensors"), then name that file.',
    });
  }
  const { tensors } = readSafetensors(file);
  return stateFromDict(tensors, geometryOf(config), basename(file));
}

/** Step 0 of a run with these weights: a checkpoint to go on from, and a note of where they are from. */
export function importInto(
  writer: RunWriter,
  config: RunConfig,
  state: ProgramState,
  source: string,
): void {
  try {
    const read = (name: string): ProgramState['params'] => state[name as keyof ProgramState];
    writer.writeCheckpoint(
      0,
      checkpointTensors({ read }, geometryOf(config), 0),
      { step: '0', active_seconds: '0' },
      config.training.keep_checkpoints,
    );
    writer.appendEvent({
      wall: Date.now(),
      step: 0,
      kind: 'note',
      message: `The weights are from ${source}; steps, rate and moments begin anew.`,
    });
    writer.release();
  } catch (thrown) {
    const error = AppError.from(thrown);
    writer.end('failed', error.message);
    throw error;
  }
}
