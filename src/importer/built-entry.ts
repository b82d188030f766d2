import { mkdirSync, mkdtempSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';

/**
 * For tests: builds the importer process as the application does and returns the file to start.
 * It lies within node_modules, so that `sharp` is found from it.
 */
export async function buildEntry(): Promise<string> {
  const root = resolve(import.meta.dirname, '..', '..');
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, 'importer-'));
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': join(root, 'src', 'shared') } },
    ssr: { noExternal: true },
    build: {
      ssr: true,
      target: 'node16',
      outDir,
      rollupOptions: {
        input: { importer: join(root, 'src', 'importer', 'process.ts') },
        external: [/^sharp/, /^node:/],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  });
  return join(outDir, 'importer.cjs');
}
