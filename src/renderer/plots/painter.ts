import type { PlotlyHTMLElement } from 'plotly.js';
import { figureOf } from './figure';
import type { FigureStyle } from './figure';
import type { PanelView } from './panel';
import { loadPlotly } from './plotly';
import { sketch } from './sketch';

/** Draws one panel: on a canvas while it moves, with plotly where it rests. */
export class Painter {
  private plotted: PlotlyHTMLElement | undefined;
  private turn = 0;
  /** The canvas stands for the plot, which is hidden with its words. */
  sketched = false;

  constructor(
    private readonly node: HTMLDivElement,
    private readonly canvas: HTMLCanvasElement,
  ) {}

  sketch(view: PanelView, style: FigureStyle): void {
    this.turn += 1;
    const { canvas } = this;
    const { width, height } = view.frame;
    const ratio = devicePixelRatio;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const context = canvas.getContext('2d');
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    sketch(context, view, style);
    this.moving(true);
  }

  async settle(view: PanelView, style: FigureStyle): Promise<void> {
    this.turn += 1;
    const { turn } = this;
    const plotly = await loadPlotly();
    if (turn !== this.turn) return;
    const { data, layout, config } = figureOf(view, style);
    if (this.plotted) await plotly.react(this.plotted, data, layout, config);
    else this.plotted = await plotly.newPlot(this.node, data, layout, config);
    if (turn === this.turn) this.moving(false);
  }

  /** Nothing to show. */
  clear(): void {
    this.turn += 1;
    this.canvas.style.visibility = this.node.style.visibility = 'hidden';
  }

  dispose(): void {
    this.turn += 1;
    const gone = this.plotted;
    if (gone) void loadPlotly().then((plotly) => plotly.purge(gone));
  }

  private moving(on: boolean): void {
    this.sketched = on;
    this.canvas.style.visibility = on ? 'visible' : 'hidden';
    this.node.style.visibility = on ? 'hidden' : 'visible';
  }
}
