import { runStroke } from '../components/palette';
import type { FigureStyle } from './figure';
import type { PanelLine, PanelPicture } from './lines';
import { Painter } from './painter';
import { viewPanel } from './panel';
import type { Mark, PanelInput, PanelView } from './panel';
import { loadPlotly } from './plotly';

/** Least time between two drawings of news, ms. */
const REDRAW_MS = 500;
/** A panel rests this many times as long as its last drawing took: ten of them take a fiftieth of a core, … */
const REDRAW_SHARE = 500;
/** … but not longer than this, ms. */
const REDRAW_MOST_MS = 5000;
/** News that wait for their panel are drawn with the next ones, in one frame, or else after this, ms. */
const LATE_MS = 600;
/** A panel that was moved rests after this, ms: plotly draws it then, if its lines grow no longer. */
const SETTLE_MS = 200;

/** What a panel is to show now. */
export interface Asked extends Omit<PanelInput, 'lines'> {
  lines: readonly PanelLine[];
  marks: readonly Mark[];
  /** Of the theme, with `token` for the value of any custom property. */
  colours: Omit<FigureStyle, 'marks' | 'strokes'> & { token: (name: string) => string };
  /** In sight, or nearly. */
  visible: boolean;
}

/**
 * Draws a panel at its pace: on the canvas what moves, be it because lines grow or because a person moves
 * it, and by plotly what rests. News of a run are drawn so seldom, and together with what else is new, that
 * the processor is left to the training; what the user does is drawn at once.
 */
export class PanelDrawing {
  view = $state.raw<PanelView>();
  /** The lines as they were read last. */
  read = $state.raw<{ line: PanelLine; series: ReturnType<PanelLine['read']> }[]>([]);
  private painter: Painter | undefined;
  private drawnLook: readonly unknown[] = [];
  private nextNews = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private frame = 0;

  constructor(
    private readonly asked: () => Asked,
    private readonly nodes: () => { node: HTMLDivElement; canvas: HTMLCanvasElement } | undefined,
  ) {}

  /** Called in an effect: again when what is asked for or the version of the lines has changed. */
  follow(): void {
    const { visible, width, ...asked } = this.asked();
    const { axis, logX, logY, height, zoomX, zoomY, colours, marks, lines } = asked;
    const look = [axis, logX, logY, width, height, zoomX, zoomY, colours, marks, lines];
    if (width === 0) return;
    // What is out of sight is only read, for its summary in words, at the pace of news.
    if (visible && look.some((part, i) => part !== this.drawnLook[i])) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.drawnLook = look;
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => {
        const style = this.prepare();
        if (style && this.view) this.painter?.sketch(this.view, style);
        clearTimeout(this.rest);
        this.rest = setTimeout(() => void this.settle(), SETTLE_MS);
      });
    } else {
      const wait = this.nextNews - performance.now();
      const draw = (): void => {
        clearTimeout(this.timer);
        this.timer = undefined;
        void this.settle();
      };
      if (wait > 0 || !visible) this.timer ??= setTimeout(draw, Math.max(0, wait) + LATE_MS);
      else {
        cancelAnimationFrame(this.frame);
        this.frame = requestAnimationFrame(draw);
      }
    }
  }

  /** The panel for a file. */
  picture(title: string): PanelPicture | undefined {
    const style = this.prepare();
    return style && this.view ? { title, view: this.view, style, lines: this.read } : undefined;
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.rest);
    cancelAnimationFrame(this.frame);
    this.painter?.dispose();
  }

  private readLines(): void {
    this.read = this.asked().lines.map((line) => ({ line, series: line.read() }));
  }

  /** Reads the lines and works the view out; the style to paint it in. */
  private prepare(): FigureStyle | undefined {
    const nodes = this.nodes();
    if (!nodes) return undefined;
    this.painter ??= new Painter(nodes.node, nodes.canvas);
    this.readLines();
    const asked = this.asked();
    const { colours, marks } = asked;
    const drawn = this.read.flatMap(({ line, series }) =>
      series ? [{ series, end: line.end, line }] : [],
    );
    this.view = viewPanel({ ...asked, lines: drawn });
    if (!this.view) this.painter.clear();
    return {
      ...colours,
      marks,
      strokes: drawn.map(({ line }) => {
        const { variable, dash } = runStroke(line.colour);
        const { live, ghost = false } = line;
        return { stroke: colours.token(variable), dash: line.dash ?? dash, live, ghost };
      }),
    };
  }

  private async settle(): Promise<void> {
    const { visible, lines } = this.asked();
    const grows = lines.some(({ live }) => live);
    // What was scrolled out of sight while it moved comes to rest all the same.
    const draws = visible || (!grows && this.painter?.sketched === true);
    // Fetched once, for all panels: no part of what drawing costs.
    if (draws && !grows) await loadPlotly();
    const began = performance.now();
    if (draws) {
      const style = this.prepare();
      if (style && this.view) {
        if (grows) this.painter?.sketch(this.view, style);
        else await this.painter?.settle(this.view, style);
      }
    } else this.readLines();
    const now = performance.now();
    const rest = Math.min(REDRAW_MOST_MS, REDRAW_SHARE * (now - began));
    this.nextNews = now + Math.max(REDRAW_MS, rest);
  }
}
