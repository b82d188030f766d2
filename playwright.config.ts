import { defineConfig } from '@playwright/test';
import type { HostOptions } from './e2e/fixtures';

// The same specs over both hosts, one after another: an engine uses every core there is.
export default defineConfig<HostOptions>({
  testDir: 'e2e',
  globalSetup: './e2e/setup.mjs',
  outputDir: 'test-results/e2e',
  workers: 1,
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
