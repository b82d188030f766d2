import type { Alarm } from '@shared/prototype-alarms';
import { percent } from '../../components/format';

/** `3`, `3 and 7`, `3, 7 and 11`, `3, 7, 11 and 9 more`. */
export function listed(prototypes: readonly number[], most = 6): string {
  const shown = prototypes.slice(0, most).map(String);
  const rest = prototypes.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}

/** The fact, and the number against its limit. */
export function alarmWords({ kind, prototypes, value, limit }: Alarm): {
  fact: string;
  figure: string;
} {
  const one = prototypes.length === 1;
  const names = `${one ? 'Prototype' : 'Prototypes'} ${listed(prototypes)}`;
  switch (kind) {
    case 'dead':
      return {
        fact: `${names} ${one ? 'is' : 'are'} dead.`,
        figure: `${one ? 'It holds' : 'Each holds at most'} ${percent(value)} of the last 1,000 assignments, the limit is ${percent(limit)}.`,
      };
    case 'twins':
      return {
        fact: `${names} are ${prototypes.length === 2 ? 'twins' : 'alike'}.`,
        figure: `Their cosine is ${value.toFixed(prototypes.length > 0 && value > 0.995 ? 3 : 2)}, the limit is ${limit.toFixed(2)}.`,
      };
    case 'collapse':
      return {
        fact: `The bank has collapsed: ${one ? `prototype ${listed(prototypes)} has` : `prototypes ${listed(prototypes)} have`} nearly all images.`,
        figure: `The perplexity is ${value.toFixed(1)}, the limit is ${limit.toFixed(1)}.`,
      };
  }
}

/** A word for the cards and the map: `dead`, `twin of 7`; undefined where all is well. */
export function alarmOf(alarms: readonly Alarm[], prototype: number): string | undefined {
  for (const { kind, prototypes } of alarms) {
    if (!prototypes.includes(prototype)) continue;
    if (kind === 'dead') return 'dead';
    if (kind === 'twins')
      return `twin of ${listed(
        prototypes.filter((p) => p !== prototype),
        2,
      )}`;
  }
  return undefined;
}
