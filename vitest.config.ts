import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The window's controllers are Svelte modules.
  plugins: [svelte({ configFile: resolve(import.meta.dirname, 'svelte.config.mjs') })],
  resolve: { alias: { '@shared': resolve(import.meta.dirname, 'src/shared') } },
  test: {
    include: ['src/**/*.test.ts', 'scripts/**/*.test.mjs'],
    // One TensorFlow per process, and two cores to share: files run in forks, two at a time.
    pool: 'forks',
    maxWorkers: 2,
    // Kernels of two processes with as many threads as cores each wait for one another, a third of the
    // processor's time. Operations still run side by side, so that an order that is left open shows.
    env: { TF_NUM_INTRAOP_THREADS: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
