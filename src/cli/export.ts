import { resolve } from 'node:path';
import { resourcesFolder } from '../host/resources';
import { openStore } from '../store';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { findRun, workspaceOf } from './open-engine';

/** `export RUN`: a folder for PyTorch. Without an engine: the run may be training now. */
export async function exportRun(call: Call): Promise<number> {
  const format = call.text('format') ?? 'diffusers';
  if (format !== 'diffusers') {
    throw new UsageError(`There is no format "${format}". Try: --format diffusers`);
  }
  const at = call.count('checkpoint');
  const out = call.text('out');
  const { env, scripts, stdout } = call.context;
  const { exportDiffusers } = await import('../engine/interchange/export');
  const store = openStore(workspaceOf(call), { readonly: true });
  try {
    const { run } = findRun(store.list(), call.operands[0] ?? '');
    const exported = exportDiffusers(store, run, {
      at,
      ...(out !== undefined && { dir: resolve(out) }),
      resources: env.PROTODIFF_RESOURCES || resourcesFolder(scripts),
    });
    const { step, dir, files } = exported;
    if (call.flag('json')) stdout.write(`${JSON.stringify(exported)}\n`);
    else stdout.write(`${run} at step ${step}: ${resolve(dir)}\n  ${files.join('\n  ')}\n`);
    return EXIT.ok;
  } finally {
    store.close();
  }
}
