import { resolve } from 'node:path';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { configFrom } from './config-from';
import { withEngine, workspaceOf } from './open-engine';

/** `import FILE`: a run at step 0 with the weights of a state dict. */
export async function importRun(call: Call): Promise<number> {
  if (call.text('preset') === undefined) {
    throw new UsageError(
      'import needs --preset NAME, the model that the weights are of. See: protodiff import --help',
    );
  }
  const file = resolve(call.operands[0] ?? '');
  // Before the engine loads and anything is made.
  const config = configFrom(call);
  const { readStateDict } = await import('../engine/interchange/import');
  const state = readStateDict(file, config);
  return withEngine(call, async (engine) => {
    const run = await engine.importRun(config, state, file);
    const parameters = state.params.data.length;
    const { stdout } = call.context;
    if (call.flag('json')) stdout.write(`${JSON.stringify({ run, parameters, file })}\n`);
    else {
      stdout.write(
        `${run}: ${parameters} parameters from ${file}.\nTrain it on with: protodiff resume ${run} --workspace ${workspaceOf(call)}\n`,
      );
    }
    return EXIT.ok;
  });
}
