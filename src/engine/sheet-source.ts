import { ndarray } from '@shared/maths/ndarray';
import type { SubscriptionEvent, SubscriptionInput } from '@shared/protocol/contract';
import type { Source } from '@shared/protocol/service';
import { toPixels } from './diffusion/samplers';
import { NearestImages } from './run/nearest';
import type { Found } from './run/nearest';
import { paint, piecesOf } from './run/paint';
import type { Item, Shot } from './run/paint';
import { configs, imageShape, refuse, stack } from './sampling-sources';
import type { SamplingContext } from './sampling-sources';
import { workSource } from './work-source';

/** The contact sheet: images as they come, each with the training image nearest to it if asked. */
export function sheetSource(
  context: SamplingContext,
  input: SubscriptionInput<'sheet'>,
  changed: () => void,
): Source<SubscriptionEvent<'sheet'>> {
  const config = configs(context, input.run);
  const { columns, rows, seed, weights, sampler, guidance, checkpoint, steps, eta } = input;
  // Row by row, so that the sheet fills from its top.
  const cells = Array.from({ length: rows }, (_, row) =>
    columns.map((_prototypes, at): [number, number] => [at, row]),
  ).flat();
  const items = cells.map(([at, row]): Item => {
    const prototypes = columns[at] ?? [];
    const settings = { weights, sampler, guidance, checkpoint, run: null };
    return { ...settings, prototypes, seed: (seed + row) % 2 ** 32 };
  });
  refuse(context, input.run, items, steps, items.length);
  const painting = { config, items, steps, eta, keep: new Set<number>() };
  const { data } = config(null);
  const shape = imageShape(config(null));
  const calls = piecesOf(painting);
  let weights_step: number | null = null;
  let search: NearestImages | null = null;
  let searches = input.nearest === true ? items.length : 0;
  let usual: number | null = null;
  let pending: Finished[] = [];
  const begin = function* (): Generator<Finished[], void, void> {
    const studio = context.studio(input.run);
    const work = paint(painting, studio, ([step]) => (weights_step = step ?? null));
    for (const shots of work) yield* finish(shots, search);
    if (search === null) return;
    const measuring = search.usual();
    let turn = measuring.next();
    for (; turn.done !== true; turn = measuring.next()) yield [];
    usual = turn.value;
  };
  const load = async (): Promise<void> => {
    search = new NearestImages(await context.dataset(input.run), data.flip);
    searches += search.usualSearches;
  };
  return workSource<Finished[], SubscriptionEvent<'sheet'>>(
    context.jobs,
    {
      get total() {
        return calls + searches;
      },
      begin,
      add: (finished) => pending.push(...finished),
      take(progress) {
        const sent = pending;
        pending = [];
        const near = sent.flatMap((each) => each.nearest ?? []);
        const index = Int32Array.from(near, ({ image }) => image);
        return {
          ...progress,
          weights_step,
          cells: sent.map(({ item }) => cells[item] ?? [0, 0]),
          images: stack(
            sent.map(({ pixels }) => pixels),
            shape,
          ),
          nearest_index: ndarray(index, [index.length]),
          nearest_distance: ndarray(
            Float32Array.from(near, ({ distance }) => distance),
            [index.length],
          ),
          nearest_images: search?.images(index) ?? stack([], shape),
          usual_distance: usual,
        };
      },
    },
    changed,
    input.nearest === true ? load() : undefined,
  );
}

/** An image of a sheet, with the training image nearest to it where that is looked for. */
interface Finished {
  item: number;
  pixels: Uint8Array;
  nearest: Found | null;
}

/** The images of one network call, all at once, or one at a time where each takes a search. */
function* finish(shots: Shot[], search: NearestImages | null): Generator<Finished[], void, void> {
  const made = shots.map(({ item, x_t }) => ({ item, pixels: toPixels(x_t), nearest: null }));
  yield search === null ? made : [];
  if (search === null) return;
  for (const each of made) yield [{ ...each, nearest: search.of(each.pixels) }];
}
