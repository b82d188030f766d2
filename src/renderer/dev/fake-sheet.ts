import { ndarray } from '@shared/maths/ndarray';
import type { SubscriptionEvent, SubscriptionInput } from '@shared/protocol/contract';
import { drawn, hash } from './fake-images';

/** A contact sheet that is made at once; every seventh image lies near a training image. */
export function fakeSheet(
  { columns, rows, nearest = false }: SubscriptionInput<'sheet'>,
  step: number,
): SubscriptionEvent<'sheet'> {
  const cells = Array.from({ length: rows }, (_, row) =>
    columns.map((_parts, column): [number, number] => [column, row]),
  ).flat();
  const near = nearest ? cells.length : 0;
  return {
    ...{ phase: 'done', done: cells.length, total: cells.length, eta_s: 0, seconds: 3 },
    weights_step: step,
    cells,
    images: drawn(cells.length, 1, 0.15),
    nearest_index: ndarray(
      Int32Array.from({ length: near }, (_, i) => i),
      [near],
    ),
    nearest_distance: ndarray(
      Float32Array.from({ length: near }, (_, i) => (i % 7 === 3 ? 0.03 : 0.1 + 0.1 * hash(i))),
      [near],
    ),
    nearest_images: drawn(near, 1, 0),
    usual_distance: nearest ? 0.12 : null,
  };
}
