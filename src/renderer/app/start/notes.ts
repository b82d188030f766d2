/** The note that a new notebook begins with; people write over it. */
export const NOTES = {
  digits: `# Do ten prototypes find ten digits?

The model learns to denoise digits, and its prototypes learn to tell them apart without labels. **Watch** the diffusion loss fall below 0.03, and the samples turn from noise into strokes. The knobs on the right change the run while it trains.`,
  emoji: `# What do prototypes make of emoji?

Small colour pictures in a few categories. **Watch** whether prototypes follow colour or shape first.`,
  folder: (name: string): string => `# ${name}

Look at the data and the model below, change what you like, then start the run.`,
};
