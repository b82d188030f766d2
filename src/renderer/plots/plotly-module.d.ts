declare module 'plotly.js-cartesian-dist-min' {
  import type * as Plotly from 'plotly.js';
  export const newPlot: typeof Plotly.newPlot;
  export const react: typeof Plotly.react;
  export const purge: typeof Plotly.purge;
  export const toImage: typeof Plotly.toImage;
}
