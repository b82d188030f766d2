import { env } from './engine-process.json';

/** The environment that src/engine/process.ts reads; both hosts fork it with these. */
export interface EngineEnv {
  workspace: string;
  /** Folder of the data sets that ship with the app. */
  resources: string;
  /** The importer process's script. */
  importer: string;
  version: string;
}

/**
 * glibc gives each thread a heap of its own, and what one has had freed serves no other: with two for all threads
 * training takes less memory (docs/adr/0024-two-heaps.md). glibc reads it when a process starts, so it cannot be
 * set later; what the user has set counts. Electron has an allocator of its own.
 */
export function engineEnv({ workspace, resources, importer, version }: EngineEnv) {
  return {
    PROTODIFF_WORKSPACE: workspace,
    PROTODIFF_RESOURCES: resources,
    PROTODIFF_IMPORTER: importer,
    PROTODIFF_VERSION: version,
    MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? env.MALLOC_ARENA_MAX,
  };
}
