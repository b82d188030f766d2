import { count, percent, plural } from '../../components/format';
import type { Snapshot } from '../../session/prototype-history';
import { alarmWords } from './alarm-words';

/**
 * The map in words, for whoever does not see it.
 *
 * @param shown  share of the variance that lies in the plane
 */
export function mapSummary(
  snapshot: Snapshot,
  shown: number,
  name: (prototype: number) => string,
): string {
  const { step, ids, usage, features, alarms, perplexity } = snapshot;
  const shares = [...usage.data];
  const [most, least] = [Math.max(...shares), Math.min(...shares)];
  const called = (row: number): string => {
    const prototype = ids.data[row] ?? row;
    return [`prototype ${prototype}`, name(prototype)].filter(Boolean).join(', ');
  };
  return [
    `Map of ${plural(shares.length, 'prototype')} and the features of ${plural(features.shape[0] ?? 0, 'probe image')} at step ${count(step)}, ${percent(shown)} of their variance.`,
    perplexity === null
      ? 'No image has been assigned yet.'
      : `Perplexity ${perplexity.toFixed(1)} of ${shares.length}. The largest share has ${called(shares.indexOf(most))}, ${percent(most)}; the smallest ${called(shares.indexOf(least))}, ${percent(least)}.`,
    ...alarms().map((alarm) => {
      const { fact, figure } = alarmWords(alarm);
      return `${fact} ${figure}`;
    }),
  ].join(' ');
}
