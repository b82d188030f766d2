export interface Label {
  /** Pixels from the left. */
  at: number;
  text: string;
}

/**
 * Labels that do not run into each other: what would touch the one before it is joined to it, each
 * sign once, and of many only the first two are named.
 */
export function labelsThatFit(labels: readonly Label[], characterWidth = 7): Label[] {
  const groups: { at: number; end: number; signs: Set<string> }[] = [];
  for (const { at, text } of [...labels].sort((a, b) => a.at - b.at)) {
    const width = text.length * characterWidth;
    const last = groups.at(-1);
    if (last && at - width / 2 < last.end) {
      last.signs.add(text);
      last.end = Math.max(last.end, last.at + (spell(last.signs).length * characterWidth) / 2);
    } else {
      groups.push({ at, end: at + width / 2, signs: new Set([text]) });
    }
  }
  return groups.map(({ at, signs }) => ({ at, text: spell(signs) }));
}

function spell(signs: ReadonlySet<string>): string {
  const all = [...signs];
  return all.length > 2 ? `${all.slice(0, 2).join(' ')}…` : all.join(' ');
}
