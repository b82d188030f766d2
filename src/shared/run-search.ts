import type { RunSummary } from './protocol/contract';

/**
 * Whether a run has every word of a query in its id, name, tags, data, preset or state; `starred`
 * finds those with a star. An empty query finds all.
 */
export function foundBy(run: RunSummary, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { name, tags, data, preset, state, starred } = run;
  const text = [run.run, name, ...tags, data, preset, state, starred ? 'starred' : '']
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
