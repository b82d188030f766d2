import type * as Plotly from 'plotly.js-cartesian-dist-min';

type Module = typeof Plotly;

let loading: Promise<Module> | undefined;

/** plotly.js, fetched when the first chart is drawn: it is larger than everything else together. */
export function loadPlotly(): Promise<Module> {
  loading ??= import('plotly.js-cartesian-dist-min').then((module) =>
    'default' in module ? (module.default as Module) : module,
  );
  return loading;
}
