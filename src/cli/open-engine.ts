import { join } from 'node:path';
import type { RunSummary } from '@shared/protocol/contract';
import { AppError } from '@shared/errors';
import type { Engine } from '../engine/engine';
import { resourcesFolder } from '../host/resources';
import { workspaceFolder } from '../host/workspace';
import type { Call } from './call';

/** Runs `work` over an engine in this process, and closes it whatever happens. */
export async function withEngine<T>(call: Call, work: (engine: Engine) => Promise<T>): Promise<T> {
  const { env, scripts, version, createEngine } = call.context;
  const engine = await createEngine({
    workspace: workspaceOf(call),
    resources: env.PROTODIFF_RESOURCES || resourcesFolder(scripts),
    importerEntry: join(scripts, 'importer.cjs'),
    appVersion: version,
  });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

export function workspaceOf(call: Call): string {
  return workspaceFolder(call.text('workspace'), call.context.env);
}

/** Characters of an id before its generated name, which a renamed run is found by too. */
const STAMP = 'yyyymmdd-hhmmss-'.length;

/** @param wanted an id, the human half of one, or `last`. @throws AppError `not_found` */
export function findRun(runs: readonly RunSummary[], wanted: string): RunSummary {
  const newestFirst = [...runs].sort((a, b) => b.created - a.created);
  const found =
    newestFirst.find(({ run, name }) => wanted === 'last' || run === wanted || name === wanted) ??
    newestFirst.find(({ run }) => run.slice(STAMP) === wanted);
  if (found !== undefined) return found;
  throw new AppError('not_found', `There is no run "${wanted}" in this workspace.`, {
    remedy: 'List them with: protodiff runs ls',
  });
}
