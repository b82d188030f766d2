import type { Terminal } from './call';

export interface Progress {
  step: number;
  steps: number;
  loss: number | null;
  imagesPerS: number | null;
  etaS: number | null;
}

/** Between two lines where there is no terminal to redraw on. */
const LINE_EVERY_MS = 5000;
const REDRAW_EVERY_MS = 100;

/** A bar on a terminal, a line every few seconds elsewhere. `end` leaves the last state standing. */
export class ProgressLine {
  private last = -Infinity;
  private shown = '';

  constructor(
    private readonly terminal: Terminal,
    private readonly now: () => number = Date.now,
  ) {}

  show(progress: Progress): void {
    const { columns } = this.terminal;
    const wait = columns === undefined ? LINE_EVERY_MS : REDRAW_EVERY_MS;
    if (this.now() - this.last < wait && progress.step < progress.steps) return;
    this.last = this.now();
    const words = describe(progress);
    if (columns === undefined) {
      if (words !== this.shown) this.terminal.write(`${words}\n`);
    } else {
      const line = `${bar(progress, columns - words.length - 3)}${words}`.slice(0, columns - 1);
      this.terminal.write(`\r${line}\u001b[K`);
    }
    this.shown = words;
  }

  end(): void {
    if (this.terminal.columns !== undefined && this.shown !== '') this.terminal.write('\n');
    this.shown = '';
    this.last = -Infinity;
  }
}

function describe({ step, steps, loss, imagesPerS, etaS }: Progress): string {
  return [
    `step ${step}/${steps}`,
    ...(loss === null ? [] : [`loss ${loss.toFixed(4)}`]),
    ...(imagesPerS === null ? [] : [`${imagesPerS.toFixed(imagesPerS < 10 ? 1 : 0)} images/s`]),
    ...(etaS === null || step >= steps ? [] : [`${duration(etaS)} left`]),
  ].join('  ');
}

function bar({ step, steps }: Progress, room: number): string {
  const width = Math.min(30, room);
  if (width < 5) return '';
  const full = Math.round((width * step) / Math.max(1, steps));
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}] `;
}

/** `45 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (n: number): string => String(n).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
