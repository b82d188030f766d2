/** The environment that src/engine/process.ts reads; both hosts fork it with these. */
export interface EngineEnv {
  workspace: string;
  /** Folder of the data sets that ship with the app. */
  resources: string;
  /** The importer process's script. */
  importer: string;
  version: string;
}

export function engineEnv({ workspace, resources, importer, version }: EngineEnv) {
  return {
    PROTODIFF_WORKSPACE: workspace,
    PROTODIFF_RESOURCES: resources,
    PROTODIFF_IMPORTER: importer,
    PROTODIFF_VERSION: version,
  };
}
