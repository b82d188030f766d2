import { z } from 'zod';

const empty = z.strictObject({});
const notebookName = z.string().max(120);

/** The notebooks' files, and a person's own keys. */
export const notebookRequests = {
  'notebooks.list': {
    input: empty,
    output: z.object({ notebooks: z.array(z.object({ name: z.string(), modified: z.number() })) }),
  },
  'notebook.read': {
    input: z.strictObject({ name: notebookName }),
    output: z.object({ json: z.string(), modified: z.number() }),
  },
  /**
   * `known`: when the writer last saw the file changed, Unix ms, or null for a new one. Where that
   * is no longer so, the write is refused as a `conflict`; left out, the file is replaced.
   */
  'notebook.write': {
    input: z.strictObject({
      name: notebookName,
      json: z.string().max(4_000_000),
      known: z.number().nullable().optional(),
    }),
    output: z.object({ modified: z.number() }),
  },
  'notebook.rename': {
    input: z.strictObject({ name: notebookName, to: notebookName }),
    output: z.object({ modified: z.number() }),
  },
  /** Puts a notebook into the workspace's trash, under the name that is returned. */
  'notebook.delete': {
    input: z.strictObject({ name: notebookName }),
    output: z.object({ trashed: z.string() }),
  },
  'notebook.restore': {
    input: z.strictObject({ trashed: notebookName, name: notebookName }),
    output: z.object({ modified: z.number() }),
  },
  'notebooks.trash': {
    input: empty,
    output: z.object({
      trashed: z.array(z.object({ name: z.string(), modified: z.number() })),
    }),
  },
  /** A person's own keys, as JSON; null where there are none. */
  'keys.read': { input: empty, output: z.object({ json: z.string().nullable() }) },
  'keys.write': {
    input: z.strictObject({ json: z.string().max(100_000) }),
    output: z.object({ modified: z.number() }),
  },
} as const;
