import type { Verb } from './call';

export function overview(verbs: Record<string, Verb>): string {
  const rows = Object.entries(verbs).map(([name, verb]): [string, string] => [name, verb.summary]);
  return [
    'Protodiff trains Prototype Diffusion Models and shows how they learn.',
    '',
    'Usage: protodiff VERB [options]',
    '',
    ...table(rows),
    '',
    'protodiff VERB --help tells more; protodiff --version tells the version.',
    '',
  ].join('\n');
}

export function verbHelp(name: string, verb: Verb): string {
  const rows = Object.entries(verb.options).map(([option, { value, help }]): [string, string] => [
    value === undefined ? `--${option}` : `--${option} ${value}`,
    help,
  ]);
  const operands = verb.operands === undefined ? '' : ` ${verb.operands}`;
  return [
    `Usage: protodiff ${name}${operands} [options]`,
    '',
    `${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`,
    '',
    ...table([...rows, ['--help', 'this text']]),
    ...(verb.notes === undefined ? [] : ['', verb.notes]),
    '',
  ].join('\n');
}

/** Columns joined by two spaces, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

/** The name nearest to what was typed, if it is near enough to be meant. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, distance: editDistance(typed, name) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.name.length / 2))
    ? best.name
    : undefined;
}

/** Levenshtein: insertions, deletions and replacements, each counting one. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
