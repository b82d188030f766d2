/** 12486 as 12,486; by hand, since what the browser has for it takes a page 20 ms to wake. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** One decimal below 100 and a unit: 2.1 GB, 15.6 GB, 940 MB. Decimal units, as disks are sold. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${scaled < 99.95 && unit > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit]}`;
}

/** Seconds as 45 s, 6 min, 2 h 15 min, 3 d 4 h. */
export function duration(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A measured figure with three digits: 0.0335, 3.40, 0.261, 1.2e-6. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1);
  return size >= 1000 ? count(value) : value.toPrecision(3);
}

/** 3000 as 3k, 4_820_000 as 4.82 M, 850 as 850. */
export function short(value: number): string {
  if (value >= 999_500) return `${trim((value / 1e6).toPrecision(3))}M`;
  if (value >= 1000) return `${trim((value / 1000).toFixed(value < 10_000 ? 1 : 0))}k`;
  return String(Math.round(value));
}

/** Parameters, spelled 4.82 M. */
export function millions(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : count(value);
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** The first characters of a hash, in two groups. */
export function fingerprint(hash: string): string {
  const bare = hash.replace(/^[a-z0-9]+:/, '');
  return `${bare.slice(0, 4)}·${bare.slice(4, 8)}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Long work as `41 %, ≈ 12 s left`. */
export function progressWords(work: { done: number; total: number; eta_s: number | null }): string {
  const { done, total, eta_s } = work;
  const left = eta_s === null ? '' : `, ≈ ${duration(Math.max(1, eta_s))} left`;
  return `${Math.floor((100 * done) / Math.max(1, total))} %${left}`;
}

/** A share as 9.6 %, 41 %, 0.2 %; below a thousandth with one digit: 0.04 %. */
export function percent(share: number): string {
  const value = 100 * share;
  if (!Number.isFinite(value)) return '–';
  if (value !== 0 && Math.abs(value) < 0.1) return `${Number(value.toPrecision(1))} %`;
  return `${value >= 99.95 ? Math.round(value) : value.toFixed(1)} %`;
}
