import { prototypeFill } from '../../components/palette';
import type { Scale, Size } from './map-geometry';

export type Point = readonly [x: number, y: number];

/** Dashed rings: about one prototype, or about a group that is alike. */
export interface Ring {
  prototypes: readonly number[];
}

/** Everything that is drawn on the canvas, in pixels; the glyphs lie above it as SVG. */
export interface Scene {
  size: Size;
  scale: Scale;
  /** Where the plane's origin is marked; none in a layout that has no axes. */
  axes: boolean;
  features: readonly Point[];
  /** [N] palette index and shape of each feature's mark; empty: features are not shown. */
  groups: Int32Array;
  /** Fill of a group. */
  fill: (group: number) => string;
  /** Groups whose marks stand back. */
  faint: (group: number) => boolean;
  hovered: number;
  prototypes: readonly Point[];
  /** The way that each prototype has come; empty: not shown. */
  trails: readonly (readonly Point[])[];
  trailFill: (prototype: number) => string;
  faintTrail: (prototype: number) => boolean;
  rings: readonly Ring[];
}

export interface Ink {
  paper: string;
  line: string;
  text: string;
  amber: string;
}

/** Draws the scene on a canvas as large as its size, in the theme's colours. */
export function paintMap(canvas: HTMLCanvasElement, scene: Scene): void {
  const ratio = devicePixelRatio;
  const width = Math.round(scene.size.width * ratio);
  const height = Math.round(scene.size.height * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const g = canvas.getContext('2d');
  if (g) drawMap(g, scene, inkOf(canvas), ratio);
}

/** The theme's colours, as they hold at the canvas. */
function inkOf(canvas: HTMLCanvasElement): Ink {
  const style = getComputedStyle(canvas);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    paper: of('--sunken'),
    line: of('--line'),
    text: of('--text'),
    amber: of('--warning'),
  };
}

/** Radius of a feature's mark. */
const MARK = 2.7;
const RING = 19;
/** Twins nearer than this lie in one ring; else each has its own, with a line between. */
const TOGETHER = 150;

function drawMap(g: CanvasRenderingContext2D, scene: Scene, ink: Ink, ratio: number): void {
  const { width, height } = scene.size;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  if (scene.axes) {
    g.strokeStyle = ink.line;
    g.lineWidth = 1;
    g.beginPath();
    const [x, y] = [Math.round(scene.scale.x(0)) + 0.5, Math.round(scene.scale.y(0)) + 0.5];
    g.moveTo(x, 0);
    g.lineTo(x, height);
    g.moveTo(0, y);
    g.lineTo(width, y);
    g.stroke();
  }
  drawFeatures(g, scene, ink);
  drawTrails(g, scene, ink);
  g.strokeStyle = ink.amber;
  g.lineWidth = 1.6;
  g.setLineDash([4, 3]);
  for (const ring of scene.rings) drawRing(g, ring, scene.prototypes);
  g.setLineDash([]);
}

function drawFeatures(g: CanvasRenderingContext2D, scene: Scene, ink: Ink): void {
  const { features, groups, fill, faint, hovered } = scene;
  const paths = new Map<number, Path2D>();
  groups.forEach((group, i) => {
    const [x, y] = features[i] ?? [0, 0];
    let path = paths.get(group);
    if (path === undefined) paths.set(group, (path = new Path2D()));
    addMark(path, group % 5, x, y, MARK);
  });
  for (const [group, path] of paths) {
    g.globalAlpha = faint(group) ? 0.22 : 0.8;
    g.fillStyle = fill(group);
    g.fill(path);
  }
  g.globalAlpha = 1;
  const at = features[hovered];
  if (at === undefined || groups.length === 0) return;
  g.strokeStyle = ink.text;
  g.lineWidth = 1.5;
  g.beginPath();
  g.arc(at[0], at[1], MARK + 3, 0, 2 * Math.PI);
  g.stroke();
}

/** Circle, square, cross, diamond, hexagon, as the glyphs are. */
function addMark(path: Path2D, shape: number, x: number, y: number, r: number): void {
  if (shape === 0) {
    path.moveTo(x + r, y);
    path.arc(x, y, r, 0, 2 * Math.PI);
  } else if (shape === 1) {
    path.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  } else if (shape === 2) {
    const arm = 0.42 * r;
    const long = 1.1 * r;
    polygon(path, x, y, [
      [-arm, -long],
      [arm, -long],
      [arm, -arm],
      [long, -arm],
      [long, arm],
      [arm, arm],
      [arm, long],
      [-arm, long],
      [-arm, arm],
      [-long, arm],
      [-long, -arm],
      [-arm, -arm],
    ]);
  } else if (shape === 3) {
    const half = 1.25 * r;
    polygon(path, x, y, [
      [0, -half],
      [half, 0],
      [0, half],
      [-half, 0],
    ]);
  } else {
    polygon(path, x, y, [
      [-0.55 * r, -r],
      [0.55 * r, -r],
      [1.1 * r, 0],
      [0.55 * r, r],
      [-0.55 * r, r],
      [-1.1 * r, 0],
    ]);
  }
}

function polygon(path: Path2D, x: number, y: number, corners: readonly Point[]): void {
  corners.forEach(([dx, dy], i) =>
    i === 0 ? path.moveTo(x + dx, y + dy) : path.lineTo(x + dx, y + dy),
  );
  path.closePath();
}

// A halo in the colour of the paper keeps a line legible where it crosses others.
function drawTrails(g: CanvasRenderingContext2D, scene: Scene, ink: Ink): void {
  g.lineJoin = 'round';
  scene.trails.forEach((trail, prototype) => {
    if (trail.length < 2) return;
    g.beginPath();
    trail.forEach(([x, y], i) => (i === 0 ? g.moveTo(x, y) : g.lineTo(x, y)));
    g.globalAlpha = 0.8;
    g.strokeStyle = ink.paper;
    g.lineWidth = 4;
    g.stroke();
    g.globalAlpha = scene.faintTrail(prototype) ? 0.3 : 1;
    g.strokeStyle = scene.trailFill(prototype);
    g.lineWidth = 1.8;
    g.stroke();
  });
  g.globalAlpha = 1;
}

function drawRing(
  g: CanvasRenderingContext2D,
  { prototypes }: Ring,
  points: readonly Point[],
): void {
  const at = prototypes.map((prototype) => points[prototype] ?? ([0, 0] as const));
  const [a, b] = at;
  if (at.length === 2 && a && b && Math.hypot(b[0] - a[0], b[1] - a[1]) < TOGETHER) {
    const apart = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const turn = Math.atan2(b[1] - a[1], b[0] - a[0]);
    g.beginPath();
    const middle: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    g.ellipse(middle[0], middle[1], apart / 2 + RING, RING + apart / 12, turn, 0, 2 * Math.PI);
    g.stroke();
    return;
  }
  at.forEach(([x, y], i) => {
    g.beginPath();
    g.arc(x, y, RING, 0, 2 * Math.PI);
    const before = at[i - 1];
    if (before) {
      g.moveTo(before[0], before[1]);
      g.lineTo(x, y);
    }
    g.stroke();
  });
}

export const fillOf = (colour: number): string => prototypeFill(colour)[0];
