import type { Cell, CellKind, CellOf } from '@shared/config/notebook';
import ChartSpline from '@lucide/svelte/icons/chart-spline';
import Columns2 from '@lucide/svelte/icons/columns-2';
import Database from '@lucide/svelte/icons/database';
import Grid3x3 from '@lucide/svelte/icons/grid-3x3';
import Network from '@lucide/svelte/icons/network';
import NotebookPen from '@lucide/svelte/icons/notebook-pen';
import Play from '@lucide/svelte/icons/play';
import Route from '@lucide/svelte/icons/route';
import Shapes from '@lucide/svelte/icons/shapes';
import type { Component } from 'svelte';
import CompareCell from './compare/CompareCell.svelte';
import CurvesCell from './curves/CurvesCell.svelte';
import DataCell from './data/DataCell.svelte';
import ModelCell from './model/ModelCell.svelte';
import NoteCell from './note/NoteCell.svelte';
import PrototypesCell from './prototypes/PrototypesCell.svelte';
import SamplesCell from './samples/SamplesCell.svelte';
import TrainCell from './train/TrainCell.svelte';
import TrajectoriesCell from './trajectories/TrajectoriesCell.svelte';

/** What the document gives to every cell; a component takes what it needs. */
export interface CellProps<K extends CellKind> {
  cell: CellOf<K>;
  /** Its place in the notebook, from 1. */
  number: number;
  selected: boolean;
  /** A data cell and the model cell after it share a row. */
  beside: boolean;
  onwide: (wide: boolean) => void;
}

interface KindView<K extends CellKind> {
  icon: typeof Play;
  component: Component<CellProps<K>>;
}

/** How each kind looks; the rest of a kind is its entry in @shared/config/cell-kinds. */
export const KIND_VIEWS: { readonly [K in CellKind]: KindView<K> } = {
  note: { icon: NotebookPen, component: NoteCell },
  data: { icon: Database, component: DataCell },
  model: { icon: Network, component: ModelCell },
  train: { icon: Play, component: TrainCell },
  curves: { icon: ChartSpline, component: CurvesCell },
  prototypes: { icon: Shapes, component: PrototypesCell },
  trajectories: { icon: Route, component: TrajectoriesCell },
  samples: { icon: Grid3x3, component: SamplesCell },
  compare: { icon: Columns2, component: CompareCell },
};

/** The component of a cell, for any kind: the table pairs each kind with its own cells. */
export function componentOf(cell: Cell): Component<CellProps<CellKind>> {
  return KIND_VIEWS[cell.kind].component as unknown as Component<CellProps<CellKind>>;
}
