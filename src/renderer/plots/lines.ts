import type { Series } from '../session/curves-buffer';
import type { FigureStyle } from './figure';
import type { PanelView } from './panel';

/** One line of a panel: a metric of a run. */
export interface PanelLine {
  /** What tells it from the others of its panel. */
  name: string;
  run: string;
  metric: string;
  /** Of the run, for life. */
  colour: number;
  /** In place of the run's, where a panel has several lines of one run. */
  dash?: string | undefined;
  /** Written at its end. */
  end?: string | undefined;
  live: boolean;
  /** What came before a branch: drawn faint behind the others, and not read out. */
  ghost?: boolean;
  read(): Series | undefined;
}

/** What can be done from a point of a line. */
export interface PointAct {
  words: string;
  run: () => void;
}

/** A panel as it stands, for a file. */
export interface PanelPicture {
  title: string;
  view: PanelView;
  style: FigureStyle;
  lines: readonly { line: PanelLine; series: Series | undefined }[];
}
