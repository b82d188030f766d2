import { defineConfig } from '@playwright/test';
import type { HostOptions } from './e2e/fixtures';

// Two specs at a time: most of a spec is waiting for a page, and 2 cores are there in any case.
export default defineConfig<HostOptions>({
  testDir: 'e2e',
  globalSetup: './e2e/setup.mjs',
  outputDir: 'test-results/e2e',
  workers: 2,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 15_000 },
  forbidOnly: process.env['CI'] !== undefined,
  reporter: 'list',
  projects: [
    { name: 'served', use: { host: 'served' } },
    { name: 'desktop', use: { host: 'desktop' } },
  ],
});
