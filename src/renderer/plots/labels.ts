export interface Label {
  /** Pixels from the left. */
  at: number;
  text: string;
}

const CHARACTER_WIDTH = 7; // pixels, at most

/**
 * Labels that do not run into each other, nor over the edges of what is `width` pixels wide: what
 * would touch the one before it is joined to it, each sign once, and of many only the first two
 * are named.
 */
export function labelsThatFit(labels: readonly Label[], width: number): Label[] {
  const inside = (at: number, text: string): number =>
    Math.max(halfOf(text), Math.min(at, width - halfOf(text)));
  const groups: { at: number; signs: Set<string>; text: string }[] = [];
  for (const label of [...labels].sort((a, b) => a.at - b.at)) {
    const { text } = label;
    const at = inside(label.at, text);
    const last = groups.at(-1);
    if (last && at - halfOf(text) < last.at + halfOf(last.text)) {
      last.signs.add(text);
      last.text = spell(last.signs);
      last.at = inside(last.at, last.text);
    } else {
      groups.push({ at, signs: new Set([text]), text });
    }
  }
  return groups.map(({ at, text }) => ({ at, text }));
}

const halfOf = (text: string): number => (text.length * CHARACTER_WIDTH) / 2;

function spell(signs: ReadonlySet<string>): string {
  const all = [...signs];
  return all.length > 2 ? `${all.slice(0, 2).join(' ')}…` : all.join(' ');
}
