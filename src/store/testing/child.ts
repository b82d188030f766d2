import { join, resolve } from 'node:path';
import { build } from 'vite';

/** Builds src/store/testing/`name`.ts for a process of its own; `outDir` is the caller's to remove. */
export async function buildChild(name: string): Promise<{ outDir: string; script: string }> {
  const repository = resolve(import.meta.dirname, '../../..');
  // Inside the repository, so that the child finds its packages.
  const outDir = join(repository, 'test-results', `${name}-${process.pid}`);
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': join(repository, 'src/shared') } },
    build: {
      ssr: join(repository, 'src/store/testing', `${name}.ts`),
      target: 'node16',
      outDir,
      rollupOptions: { output: { format: 'cjs', entryFileNames: 'child.cjs' } },
    },
  });
  return { outDir, script: join(outDir, 'child.cjs') };
}
