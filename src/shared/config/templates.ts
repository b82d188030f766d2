import { addCell } from './document';
import { notebookFor } from './notebook';
import type { Cell, Notebook } from './notebook';
import { configFor } from './presets';
import type { RunConfig } from './run-config';

export interface Template {
  title: string;
  /** What it is for, in a sentence. */
  help: string;
  make: () => Notebook;
}

/** Notebooks to begin an experiment with; nothing in them runs by itself. */
export const TEMPLATES: readonly Template[] = [
  {
    title: 's-PDM against PDM',
    help: 'One run with a prototype for each label, one without labels, side by side.',
    make: () =>
      compared(
        `# Do labels help?

Both models see the same digits. In **PDM** the prototypes find their own groups; in **s-PDM** each label has one. Train the two in turn, then look at their samples and losses side by side.`,
        [
          ['PDM', (config) => config],
          ['s-PDM', (config) => ({ ...config, model: { ...config.model, variant: 'spdm' } })],
        ],
      ),
  },
  {
    title: 'PDM against DDPM',
    help: 'The same network with prototypes and without any conditioning.',
    make: () =>
      compared(
        `# Does the prototype help?

The same digits, widths, seed and schedule. **PDM** is told which of its ten prototypes an image belongs to, **DDPM** is told nothing. Train the two in turn and compare their validation losses, above all at the noisy end, and their samples.`,
        [
          ['PDM', (config) => config],
          ['DDPM', (config) => ({ ...config, model: { ...config.model, variant: 'ddpm' } })],
        ],
      ),
  },
  {
    title: 'How many prototypes?',
    help: 'The same model with 5, 10 and 20 prototypes.',
    make: () =>
      compared(
        `# How many prototypes?

The same digits, model and seed with **5**, **10** and **20** prototypes. Too few share what differs; too many split what is one, or die. Train the three in turn and compare samples and the contrastive loss.`,
        [5, 10, 20].map((k) => [
          `${k} prototypes`,
          (config) => ({ ...config, model: { ...config.model, k } }),
        ]),
      ),
  },
];

type Variant = [title: string, change: (config: RunConfig) => RunConfig];

/** One data cell; then for each variant a heading, a model, a train cell, its curves and samples. */
function compared(text: string, variants: readonly Variant[]): Notebook {
  const config = configFor('quick', { kind: 'digits' });
  const base = notebookFor(config, text);
  let notebook: Notebook = { ...base, cells: base.cells.filter(({ id }) => /note|data/.test(id)) };
  for (const [title, change] of variants) {
    const { model, diffusion } = change(config);
    notebook = append(notebook, 'note', (cell) => ({ ...cell, text: `## ${title}` }));
    notebook = append(notebook, 'model', (cell) => ({ ...cell, model, diffusion }));
    notebook = append(notebook, 'train');
    notebook = append(notebook, 'curves');
    notebook = append(notebook, 'samples');
  }
  return notebook;
}

function append(
  notebook: Notebook,
  kind: Cell['kind'],
  change: (cell: Cell) => object = (cell) => cell,
): Notebook {
  const { notebook: grown } = addCell(notebook, kind, notebook.cells.length);
  return {
    ...grown,
    cells: grown.cells.map((cell, index) =>
      index === grown.cells.length - 1 ? (change(cell) as Cell) : cell,
    ),
  };
}
