import { randomInt } from 'node:crypto';

const ADJECTIVES =
  'amber autumn bold brave breezy bright brisk calm candid clear clever cosy crisp curious dapper deft eager early easy fair fleet fond free fresh gentle gilded glad golden grand hardy humble jolly keen kind light lively lucid lunar mellow merry mild misty modest neat noble nimble patient plain proud quick quiet ready rosy serene silver sincere sleek solar steady sunny swift tidy tranquil vivid warm wise witty';
const NOUNS =
  'acorn alder aspen badger beacon birch bramble brook canyon cedar cliff clover comet coral cove crane cricket dale delta dune falcon fern finch fjord fox glade glen grove harbour hazel heath heron hill island ivy juniper lagoon lake lark linden lynx maple meadow moss oak orchard otter owl pebble pine plover prairie quail reef ridge robin rowan sparrow spruce summit swallow thicket thistle tulip valley wagtail willow wren';

export const WORDS = { adjectives: ADJECTIVES.split(' '), nouns: NOUNS.split(' ') };

/** What the contract calls a run id; it holds no separator and no dot, so no path leads out. */
export const RUN_ID = /^[0-9a-z][0-9a-z-]{0,80}$/;
const GENERATED = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-([a-z]+-[a-z]+(?:-\d+)?)$/;

/**
 * A name that none of `taken` has, e.g. `brisk-heron`; numbered once most pairs are used up.
 * @param pick  a whole number from 0 to below its argument
 */
export function newName(
  taken: ReadonlySet<string>,
  pick: (below: number) => number = (below) => randomInt(below),
): string {
  const { adjectives, nouns } = WORDS;
  const draw = (): string =>
    `${adjectives[pick(adjectives.length)] ?? ''}-${nouns[pick(nouns.length)] ?? ''}`;
  for (let attempt = 0; attempt < 50; attempt++) {
    const name = draw();
    if (!taken.has(name)) return name;
  }
  const name = draw();
  for (let number = 2; ; number++) {
    if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
  }
}

/** `yyyymmdd-hhmmss-name`, in UTC, so that ids sort as the runs began whatever the time zone. */
export function runId(created: number, name: string): string {
  const digits = new Date(created).toISOString().slice(0, 19).replace(/[-:]/g, '');
  return `${digits.replace('T', '-')}-${name}`;
}

/** The id's two halves; null for a folder that was not named by `runId`. */
export function parseRunId(id: string): { created: number; name: string } | null {
  const match = GENERATED.exec(id);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, name = ''] = match;
  const created = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(created) ? null : { created, name };
}
