import { defineConfig } from '@playwright/test';
import type { HostOptions } from './e2e/fixtures';

// `npm run pictures`: the screenshots of the README, of a real training in the served host.
export default defineConfig<HostOptions>({
  testDir: 'e2e',
  testMatch: '*.pictures.ts',
  globalSetup: './e2e/setup.mjs',
  outputDir: 'test-results/pictures',
  workers: 1,
  timeout: 900_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: { host: 'served' },
});
