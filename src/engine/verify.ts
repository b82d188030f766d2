import { loadBackend } from './backend';
import { verifyGolden as compare } from './golden/verify';
import type { Row } from './golden/compare';

export type { Row };

/** Loads the fastest backend and compares with the reference's tensors in `dir`. */
export async function verifyGolden(dir: string): Promise<Row[]> {
  await loadBackend();
  return compare(dir);
}
