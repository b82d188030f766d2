import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import { plainIcons } from './scripts/lib/icons.mjs';

const shared = { '@shared': resolve(import.meta.dirname, 'src/shared') };
const entry = (path: string): string => resolve(import.meta.dirname, 'src', path);

// One build for every runtime that we start, Electron 22 (Node 16, Chromium 108) the oldest.
// Native and very large packages stay outside; the rest is bundled, ESM-only ones included.
const EXTERNAL = ['electron', /^@tensorflow\//, 'libsql', /^sharp/, /^node:/];

export default defineConfig({
  main: {
    resolve: { alias: shared },
    build: {
      target: 'node16',
      outDir: 'out/main',
      sourcemap: true,
      minify: false,
      externalizeDeps: false,
      rollupOptions: {
        input: {
          index: entry('main/index.ts'),
          engine: entry('engine/process.ts'),
          importer: entry('importer/process.ts'),
          cli: entry('cli/index.ts'),
        },
        external: EXTERNAL,
        output: {
          format: 'cjs',
          entryFileNames: '[name].cjs',
          chunkFileNames: 'chunks/[name]-[hash].cjs',
        },
      },
    },
  },
  preload: {
    build: {
      target: 'node16',
      outDir: 'out/preload',
      externalizeDeps: false,
      rollupOptions: {
        input: { index: entry('preload/index.ts') },
        external: ['electron'],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: entry('renderer'),
    resolve: { alias: shared },
    plugins: [
      plainIcons(),
      svelte({ configFile: resolve(import.meta.dirname, 'svelte.config.mjs') }),
    ],
    build: {
      target: 'chrome108',
      // electron-vite leaves that out; a page that is read faster is shown faster.
      minify: true,
      // The page's policy takes fonts and pictures from its own origin, never from data: addresses.
      assetsInlineLimit: 0,
      outDir: resolve(import.meta.dirname, 'out/renderer'),
      rollupOptions: { input: { index: entry('renderer/index.html') } },
    },
  },
});
