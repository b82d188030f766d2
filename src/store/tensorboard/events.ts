import type { RunConfig } from '@shared/config/run-config';
import type { MetricRow } from '../port';
import { fieldOf, Message } from './protobuf';

/**
 * tensorflow.Event and what it holds, as far as a run needs it.
 * @source tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto,
 *   tensorboard/plugins/hparams/plugin_data.proto
 */
const event = (wall: number, step: number): Message =>
  new Message().double(1, wall / 1000).int(2, step);

/** The first record of each file. */
export function versionEvent(wall: number): Uint8Array {
  return event(wall, 0).text(3, 'brain.Event:2').done();
}

/** What a reader has of `step` and later is void: the run went back there. */
export function restartEvent(wall: number, step: number): Uint8Array {
  const START = 1;
  return event(wall, step).message(7, new Message().int(1, START)).done();
}

/** All values of a row, as float32; null where it has none. */
export function scalarsEvent({ step, wall, values }: MetricRow): Uint8Array | null {
  const summary = new Message();
  let any = false;
  for (const [tag, value] of Object.entries(values)) {
    if (Number.isNaN(value)) continue;
    summary.message(1, new Message().text(1, tag).float(2, value));
    any = true;
  }
  return any ? event(wall, step).message(5, summary).done() : null;
}

/** @param png  with its width and height at bytes 16 and 20 */
export function imageEvent(tag: string, wall: number, step: number, png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const RGB = 3;
  const image = new Message()
    .int(1, view.getUint32(20))
    .int(2, view.getUint32(16))
    .int(3, RGB)
    .bytes(4, png);
  const value = new Message().text(1, tag).message(4, image);
  return event(wall, step).message(5, new Message().message(1, value)).done();
}

/** The run's configuration for the HParams tab, a setting by its path. */
export function hparamsEvent(wall: number, config: RunConfig): Uint8Array {
  const info = new Message();
  for (const [name, value] of settingsOf(config)) {
    const of = new Message();
    if (typeof value === 'number') of.double(2, value);
    else if (typeof value === 'boolean') of.int(4, value ? 1 : 0);
    else of.text(3, value);
    info.message(1, new Message().text(1, name).message(2, of));
  }
  info.double(5, wall / 1000);
  const content = new Message().int(1, 0).message(3, info);
  const plugin = new Message().text(1, 'hparams').bytes(2, content.done());
  const [FLOAT, ONE] = [1, new Message().message(2, new Message().int(1, 1))];
  const nothing = new Message().int(1, FLOAT).message(2, ONE).float(5, 0);
  const value = new Message()
    .text(1, '_hparams_/session_start_info')
    .message(8, nothing)
    .message(9, new Message().message(1, plugin));
  return event(wall, 0).message(5, new Message().message(1, value)).done();
}

/** `training.batch_size` → 32; lists as their JSON. */
function settingsOf(config: object, path = ''): [string, number | boolean | string][] {
  return Object.entries(config).flatMap(([key, value]: [string, unknown]) => {
    const name = path === '' ? key : `${path}.${key}`;
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string')
      return [[name, value] as [string, number | boolean | string]];
    if (Array.isArray(value)) return [[name, JSON.stringify(value)] as [string, string]];
    return typeof value === 'object' && value !== null ? settingsOf(value, name) : [];
  });
}

/** An event's step; 0 where it is left out. */
export function stepOf(data: Uint8Array): number {
  const step = fieldOf(data, 2);
  return typeof step === 'number' ? step : 0;
}

/** The tag of an event's first value: of a row of metrics one of the training. */
export function tagOf(data: Uint8Array): string {
  let at: number | Uint8Array | undefined = data;
  // event.summary.value[0].tag
  for (const field of [5, 1, 1]) at = at instanceof Uint8Array ? fieldOf(at, field) : undefined;
  return at instanceof Uint8Array ? Buffer.from(at).toString() : '';
}
