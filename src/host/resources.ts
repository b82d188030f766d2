import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The data sets that ship with the app. A packaged application may carry them beside its archive,
 * where native libraries can be loaded too; elsewhere they lie in the package.
 *
 * @param scripts folder of the built scripts, two below the package
 * @param beside  the packaged application's own resources, where there is one
 */
export function resourcesFolder(scripts: string, beside?: string): string {
  const packaged = beside === undefined ? undefined : join(beside, 'resources');
  if (packaged !== undefined && existsSync(packaged)) return packaged;
  return join(scripts, '../../resources');
}
