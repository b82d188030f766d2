import * as tf from '@tensorflow/tfjs';
import { AppError } from '@shared/errors';
import { ABSENT, absentRow, failedRow } from './compare';
import type { Row } from './compare';
import { forwardRows } from './forward';
import { lossRows } from './losses';
import { openPack } from './pack';
import { samplerRows } from './samplers';
import { scheduleRows } from './schedules';
import { subjectOf } from './state';
import type { Subject } from './state';
import { stepRows } from './steps';

const SECTIONS: Record<string, (subject: Subject) => Row[]> = {
  schedule: scheduleRows,
  forward: (subject) => forwardRows(subject, 'forward', subject.pack.config.variant),
  'alt-forward': (subject) => forwardRows(subject, 'alt-forward', subject.pack.config.alt_variant),
  loss: lossRows,
  adamw: stepRows,
  sample: samplerRows,
};

/**
 * Compares this implementation with the reference's stored tensors, quantity by quantity. The
 * pack's own config.json says what model they are of; what the pack lacks is a row that says so.
 *
 * @param dir  a folder of the golden packs' form
 * @throws     AppError bad_data, bad_checkpoint where the folder is no pack
 */
export function verifyGolden(dir: string): Row[] {
  const pack = openPack(dir);
  const weights = pack.tensors('weights');
  if (weights === null) return [absentRow('weights', `${ABSENT}, and with them all the rest`)];
  const subject = subjectOf(pack, weights);
  const { state } = subject;
  try {
    return Object.entries(SECTIONS).flatMap(([name, rowsOf]) => {
      try {
        return rowsOf(subject);
      } catch (thrown) {
        // Tensors that do not go together (an index beyond K, odd sizes) spoil their section only.
        return [failedRow(name, `could not be computed: ${AppError.from(thrown).message}`)];
      }
    });
  } finally {
    tf.dispose(state as unknown as tf.TensorContainer);
  }
}
