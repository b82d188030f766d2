/** Fill and number colour of a prototype, by index; beyond 15 the fills repeat and the number tells. */
export const PROTOTYPE_FILLS: readonly (readonly [fill: string, label: string])[] = [
  ['#0072B2', '#fff'],
  ['#E69F00', '#111418'],
  ['#17B287', '#111418'],
  ['#A5327A', '#fff'],
  ['#56B4E9', '#111418'],
  ['#8C4A1E', '#fff'],
  ['#D9CC3C', '#111418'],
  ['#6A4C9C', '#fff'],
  ['#E8836B', '#111418'],
  ['#1E6B5C', '#fff'],
  ['#B3A2DB', '#111418'],
  ['#55611A', '#fff'],
  ['#B5323C', '#fff'],
  ['#9AD3B4', '#111418'],
  ['#8A929D', '#111418'],
];

export function prototypeFill(index: number): readonly [fill: string, label: string] {
  return PROTOTYPE_FILLS[index % PROTOTYPE_FILLS.length] ?? ['#8A929D', '#111418'];
}

/** Circle, square, cross, diamond, hexagon, on a grid of 20. */
export const GLYPH_SHAPES: readonly string[] = [
  'M10 1.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17Z',
  'M3 3H17V17H3Z',
  'M6 1.5H14V6H18.5V14H14V18.5H6V14H1.5V6H6Z',
  'M10 .8L19.2 10L10 19.2L.8 10Z',
  'M5.5 2H14.5L19 10L14.5 18H5.5L1 10Z',
];

const DASHES = ['', '6 3', '2 2.5', '8 2.5 2 2.5', '10 3', '4 2', '1 2'];

/** Colour (a custom property) and SVG dash of a run, by its palette index, for life. */
export function runStroke(colour: number): { variable: string; dash: string } {
  const round = Math.floor(colour / DASHES.length);
  return {
    variable: `--run-${(colour % DASHES.length) + 1}`,
    dash: DASHES[(colour + round) % DASHES.length] ?? '',
  };
}
