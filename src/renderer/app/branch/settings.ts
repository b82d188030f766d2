import type { KnobName } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';

/** The knobs that a branch is asked for; the others can be moved while it trains. */
export const BRANCH_KNOBS: readonly (readonly [KnobName, string])[] = [
  ['lr', 'Learning rate'],
  ['alpha', 'Alignment weight'],
  ['beta', 'Compactness weight'],
];

/** The data of a branch: of a folder, or the parent's where none is named. */
export function withFolder(data: RunConfig['data'], folder: string): RunConfig['data'] {
  const path = folder.trim();
  return path === '' ? data : { ...data, source: { kind: 'folder', path } };
}
