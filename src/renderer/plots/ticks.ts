/** Round steps 1, 2, 5 × 10^k inside [from, to], at most `most` of them. */
export function linearTicks(from: number, to: number, most: number): number[] {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span) || most < 1) return [];
  for (let power = Math.floor(Math.log10(span / most)); ; power++) {
    for (const factor of [1, 2, 5]) {
      const step = factor * 10 ** power;
      const first = Math.ceil(from / step - 1e-9);
      const last = Math.floor(to / step + 1e-9);
      if (last - first + 1 > most) continue;
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
        Number(((first + i) * step).toPrecision(12)),
      );
    }
  }
}

/**
 * Ticks of a log axis inside [from, to] (both above 0), at most `most`: whole decades, thinned when
 * there are many, filled with 2 and 5 when there are few; on less than a decade, linear ones.
 */
export function logTicks(from: number, to: number, most: number): number[] {
  if (!(from > 0) || !(to > from)) return [];
  const low = Math.ceil(Math.log10(from) - 1e-9);
  const high = Math.floor(Math.log10(to) + 1e-9);
  for (const factors of [
    [1, 2, 5],
    [1, 3],
  ]) {
    const fine = decades(low - 1, high, 1, factors).filter((v) => v >= from && v <= to);
    if (fine.length <= most && fine.length >= 2) return fine;
  }
  if (high - low < 1) return linearTicks(from, to, most);
  let stride = 1;
  while (Math.floor((high - low) / stride) + 1 > most) stride += 1;
  return decades(low, high, stride, [1]);
}

function decades(low: number, high: number, stride: number, factors: readonly number[]): number[] {
  const ticks: number[] = [];
  for (let power = low; power <= high; power += stride) {
    for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(12)));
  }
  return ticks;
}

/** A tick without needless zeros: 0.05, 2, 1e-4. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5)
    ? exponential(value)
    : String(Number(value.toPrecision(4)));
}

/** The ticks of one axis in one way of writing: all with an exponent as soon as one needs it. */
export function tickTexts(values: readonly number[]): string[] {
  const written = values.map(tickText);
  return written.some((text) => text.includes('e'))
    ? values.map((value) => (value === 0 ? '0' : exponential(value)))
    : written;
}

function exponential(value: number): string {
  return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
}
