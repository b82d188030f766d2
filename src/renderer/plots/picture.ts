import { figureOf, TICK_SIZE } from './figure';
import type { PanelPicture } from './lines';
import { loadPlotly } from './plotly';
import { sketch } from './sketch';

/** Room for a title above each panel of a file, pixels. */
const TITLE = 24;
const GAP = 12;
/** Pixels of a PNG to a CSS pixel, at least; a narrow panel gets more, so that it can be printed. */
const SCALE = 2;
const WIDE = 1200;

/** Panels under each other with their titles, as a PNG. */
export async function pngOfPanels(
  panels: readonly PanelPicture[],
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, tops } = stacked(panels);
  const canvas = document.createElement('canvas');
  const scale = Math.max(SCALE, WIDE / width);
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser has no canvas to draw on');
  panels.forEach((panel, i) => {
    const { view, style } = panel;
    context.setTransform(scale, 0, 0, scale, 0, scale * (tops[i] ?? 0));
    context.fillStyle = style.ground;
    context.fillRect(0, -GAP, width, view.frame.height + TITLE + 2 * GAP);
    context.fillStyle = style.text2;
    context.font = `600 12px ${style.font}`;
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.fillText(headingOf(panel), 4, TITLE / 2);
    context.translate(0, TITLE);
    sketch(context, view, style);
  });
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (!blob) throw new Error('the picture is larger than this browser can encode');
  return new Uint8Array(await blob.arrayBuffer());
}

/** Panels under each other with their titles, as one SVG. */
export async function svgOfPanels(panels: readonly PanelPicture[]): Promise<string> {
  const plotly = await loadPlotly();
  const { width, height, tops } = stacked(panels);
  const parts: string[] = [];
  for (const [i, panel] of panels.entries()) {
    const { view, style } = panel;
    const { data, layout } = figureOf(view, style);
    const { width: w, height: h } = view.frame;
    const url = await plotly.toImage({ data, layout }, { format: 'svg', width: w, height: h });
    const svg = decodeURIComponent(url.slice(url.indexOf(',') + 1));
    const top = tops[i] ?? 0;
    const label = `<text x="4" y="${top + TITLE / 2 + 4}" font-family="${attribute(style.font)}" font-size="12" font-weight="600" fill="${style.text2}">${escaped(headingOf(panel))}</text>`;
    parts.push(label, svg.replace('<svg', `<svg x="0" y="${top + TITLE}"`));
  }
  const ground = panels[0]?.style.ground ?? '#fff';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-size="${TICK_SIZE}">` +
    `<rect width="100%" height="100%" fill="${ground}"/>${parts.join('')}</svg>\n`
  );
}

/** The title, and which runs where there are several. */
function headingOf({ title, lines }: PanelPicture): string {
  const runs = [...new Set(lines.map(({ line }) => line.name))];
  return `${title}: ${runs.join(', ')}`;
}

function stacked(panels: readonly PanelPicture[]): {
  width: number;
  height: number;
  tops: number[];
} {
  let height = 0;
  const tops = panels.map(({ view }) => {
    const top = height;
    height += view.frame.height + TITLE + GAP;
    return top;
  });
  return { width: Math.max(1, ...panels.map(({ view }) => view.frame.width)), height, tops };
}

const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const attribute = (text: string): string => escaped(text).replace(/"/g, '&quot;');
