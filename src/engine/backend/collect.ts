import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Lets go at once of arrays that nothing refers to any more. V8 collects by the pressure on its own
 * heap, where an array of 150 MB counts for little; what a run began from would lie beside its graph
 * for hours. Takes some 50 ms; the program is the same without it.
 */
export function collect(): void {
  collector ??= findCollector();
  collector();
}

let collector: (() => void) | undefined;

/** V8's own; a host that does not give it out leaves the arrays to V8. */
function findCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  return typeof gc === 'function' ? (gc as () => void) : () => undefined;
}
