import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { RunConfig } from '@shared/config/run-config';
import type { Halving, RunWriter } from '../../store/port';
import { OutOfMemory, sizeWords } from '../backend/out-of-memory';
import type { Executable } from '../backend/executable';
import { STATE_NAMES } from '../training/step';
import type { ProgramState } from '../training/program';
import type { StepReport } from '../training/trainer';
import type { makeTraining, OpenRun } from './open';

/** Smaller pieces give BatchNorm no statistics: of two images alike it leaves nothing. */
const LEAST = 4;

/** In how many pieces each batch of the step after `step` steps is computed. */
export function partsAt(halvings: readonly Halving[], step: number): number {
  return Math.max(1, ...halvings.filter((each) => each.step <= step).map(({ parts }) => parts));
}

/** The pieces of the batches of a run that trains: cut smaller where memory runs out. */
export class MicroBatches {
  constructor(
    /** Those recorded for later steps are made again when they are reached. */
    private halvings: readonly Halving[],
    private readonly make: typeof makeTraining,
  ) {}

  /**
   * One step, its batches in as many pieces as are recorded for it. Where memory runs out the pieces
   * are halved and the step is made again.
   *
   * @param replaced  called before the trainer gets another program
   * @param tell      told of a halving in a sentence
   * @throws AppError oom where they cannot be halved; as Trainer.runStep
   */
  step(open: OpenRun, replaced: () => void, tell: (halved: string) => void): StepReport {
    const { trainer, writer } = open;
    const { training } = open.config;
    const { step, parts: before } = trainer;
    const recorded = partsAt(this.halvings, step);
    if (recorded > before) {
      replaced();
      this.remake(open, recorded, null);
    }
    try {
      return trainer.runStep();
    } catch (thrown) {
      if (!(thrown instanceof OutOfMemory)) throw thrown;
      replaced();
      const parts = 2 * trainer.parts;
      this.remake(open, parts, thrown);
      this.halvings = [...this.halvings, { wall: 0, step, parts }];
      tell(recordHalving(writer, training, step, parts, thrown));
      return this.step(open, replaced, tell);
    }
  }

  /** What is recorded after `step` is recorded no longer. */
  forgetAfter(step: number): void {
    this.halvings = this.halvings.filter((each) => each.step <= step);
  }

  private remake(open: OpenRun, parts: number, lacking: OutOfMemory | null): void {
    const { trainer, config, geometry, dataset, backend } = open;
    const { batch_size } = config.training;
    if (lacking !== null && (batch_size % parts !== 0 || batch_size / parts < LEAST)) {
      throw cannotHalve(lacking, batch_size, trainer.parts);
    }
    const state = Object.fromEntries(
      STATE_NAMES.map((name) => [name, trainer.executable.read(name)]),
    ) as ProgramState;
    trainer.executable.dispose();
    // Until there is another program the state can still be read.
    trainer.reshape(stored(state), parts);
    trainer.reshape(this.make(config, geometry, copyOf(state), dataset, backend, parts), parts);
  }
}

/** Records that from this step on batches are computed in pieces; the sentence that tells it. */
function recordHalving(
  writer: RunWriter,
  { batch_size, accumulate }: RunConfig['training'],
  step: number,
  parts: number,
  lacking: OutOfMemory,
): string {
  const asked = lacking.asked === null ? '' : ` (${sizeWords(lacking.asked)} asked)`;
  const message = `Step ${step}: memory ran out at batch ${(2 * batch_size) / parts}${asked}; trains on as ${accumulate * parts} × ${batch_size / parts}, the effective batch is the same.`;
  const wall = Date.now();
  writer.appendHalving({ wall, step, parts });
  writer.appendEvent({ wall, step, kind: 'memory', message });
  return message;
}

function cannotHalve(lacking: OutOfMemory, batch: number, parts: number): AppError {
  return new AppError(
    'oom',
    `${lacking.message.slice(0, -1)} with ${batch / parts} images at a time, which cannot be halved${parts > 1 ? ' again' : ''}.`,
    {
      remedy: `Start a run with a smaller model or images${batch % 2 === 0 ? '' : ', or an even batch size'}.`,
      cause: lacking,
    },
  );
}

function copyOf(state: ProgramState): ProgramState {
  return Object.fromEntries(
    STATE_NAMES.map((name) => [name, ndarray(state[name].data.slice(), [...state[name].shape])]),
  ) as ProgramState;
}

/** A state without a device. */
function stored(state: ProgramState): Executable {
  const refuse = (): never => {
    throw new AppError('oom', 'There was no memory for the training program.');
  };
  return {
    kind: 'eager',
    call: refuse,
    write: refuse,
    read: (name) => {
      const value = (state as Partial<Record<string, ProgramState['m']>>)[name];
      if (value === undefined) return refuse();
      return ndarray(value.data.slice(), [...value.shape]);
    },
    dispose: () => undefined,
  };
}
