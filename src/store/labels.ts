import { join } from 'node:path';
import { z } from 'zod';
import { LabelsSchema } from '@shared/protocol/contract-runs';
import type { LabelChange, Labels } from '@shared/protocol/contract-runs';
import { atomicWrite } from './atomic';
import { statOrNull } from './fs-port';
import type { FsPort } from './fs-port';
import type { RunFolder } from './run-folder';

/**
 * labels.json: what a person calls a run, their tags and star, the checkpoints that stay. Beside run.json, which is never
 * rewritten, so that a copied folder keeps them; without it the run has its generated name.
 */
export const LABELS_FILE = 'labels.json';
export const NO_LABELS: Labels = { name: null, tags: [], starred: false, kept: [] };

export const labelsPath = (folder: RunFolder): string => join(folder.path, LABELS_FILE);

/** A damaged file costs the labels, not the run: `problem` says so. */
export function readRunLabels(
  fs: FsPort,
  folder: RunFolder,
): { labels: Labels; problem: string | null } {
  const path = labelsPath(folder);
  if (statOrNull(fs, path) === null) return { labels: NO_LABELS, problem: null };
  try {
    return {
      labels: LabelsSchema.parse(JSON.parse(fs.readFile(path).toString('utf8'))),
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
    return {
      labels: NO_LABELS,
      problem: `Its name and tags could not be read: ${LABELS_FILE} is damaged. Rename it to write the file anew.`,
    };
  }
}

/** What is left out of the change stays. An empty name gives the generated one back. */
export function writeRunLabels(fs: FsPort, folder: RunFolder, change: LabelChange): Labels {
  const { labels } = readRunLabels(fs, folder);
  const name = change.name === undefined ? labels.name : change.name.trim();
  const tags = change.tags ?? labels.tags;
  const next: Labels = {
    name: name === '' ? null : name,
    tags: [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))],
    starred: change.starred ?? labels.starred,
    kept: [...new Set(change.kept ?? labels.kept)].sort((a, b) => a - b),
  };
  atomicWrite(fs, labelsPath(folder), [Buffer.from(`${JSON.stringify(next, null, 2)}\n`)]);
  return next;
}
