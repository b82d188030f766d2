import { notebookFor } from '@shared/config/notebook';
import { configFor } from '@shared/config/presets';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NotebookController } from './notebook.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('writes again what could not be written, until it is, without another edit', async () => {
  let away = true;
  const written: string[] = [];
  const request = vi.fn((_name: string, { json }: { json: string }) => {
    if (away) return Promise.reject(new AppError('unavailable', 'The engine cannot be reached.'));
    written.push(json);
    return Promise.resolve({ modified: 7 });
  });
  const notebook = new NotebookController({ request } as unknown as Client);
  await notebook.create('Digits', notebookFor(configFor('quick', { kind: 'digits' }), 'A note.'));
  expect(notebook.error?.message).toBe('The engine cannot be reached.');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(notebook.saved).toBeUndefined();
  away = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(notebook.error).toBeUndefined();
  expect(notebook.saved).toBe(7);
  expect(written).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toHaveLength(1);
});
