import { afterEach, expect, it, vi } from 'vitest';
import { engineEnv } from './engine-env';

const options = { workspace: '/w', resources: '/r', importer: '/i', version: '1.2.3' };

afterEach(() => vi.unstubAllEnvs());

it('gives the engine two heaps, unless the user has said how many', () => {
  vi.stubEnv('MALLOC_ARENA_MAX', undefined);
  expect(engineEnv(options).MALLOC_ARENA_MAX).toBe('2');
  vi.stubEnv('MALLOC_ARENA_MAX', '7');
  expect(engineEnv(options).MALLOC_ARENA_MAX).toBe('7');
});
