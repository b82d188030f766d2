import { sheetPlanFor } from '@shared/config/sampling-rows';
import { configFor } from '@shared/config/presets';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { pngOf } from '../components/png';
import { RestoreController } from './restore.svelte';

const run = '20260101-101010-brisk-heron';
const plan = sheetPlanFor(configFor('tiny', { kind: 'digits' }));
const file = (settings: unknown, size?: number) => {
  const rgba = new Uint8ClampedArray([1, 2, 3, 255]);
  const bytes = pngOf({ width: 1, height: 1, rgba }, settings);
  return {
    name: 'a.png',
    size: size ?? bytes.length,
    arrayBuffer: () => Promise.resolve(bytes.buffer),
  };
};

describe('restoring from a file', () => {
  const place = { runs: () => [run], cells: vi.fn(() => 1), view: vi.fn() };
  let restore: RestoreController;
  beforeEach(() => {
    place.view.mockClear();
    place.cells.mockReturnValue(1);
    restore = new RestoreController(place);
  });

  it('views its run and hands its settings to the cell, which says so', async () => {
    await restore.open(file({ sheet: { run, step: 7, plan } }));
    expect(place.view).toHaveBeenCalledWith(run);
    expect(restore.wanted).toEqual({ kind: 'sheet', run, step: 7, plan });
    expect(restore.said?.message).toMatch(/wait for the samples cell/);
    restore.restored('Samples', 7, true);
    expect(restore.wanted).toBeUndefined();
    expect(restore.said).toMatchObject({ level: 'info', message: /at step 7/ });
    restore.restored('Samples', 7, false);
    expect(restore.said).toMatchObject({ level: 'warning', remedy: /no longer stored/ });
  });

  it.each([
    [file({ sheet: { run: '20250101-000000-old-run', step: 7, plan } }), /not in this workspace/],
    [file({}, 80_000_000), /larger \(80.* MB\)/],
    [file({ a: 1 }), /not such as Protodiff writes/],
  ])('says what is wrong, and changes nothing', async (given, message) => {
    await restore.open(given);
    expect(restore.said).toMatchObject({ level: 'error', message });
    expect(restore.wanted).toBeUndefined();
    expect(place.view).not.toHaveBeenCalled();
  });

  it('needs a cell of the kind', async () => {
    place.cells.mockReturnValue(0);
    await restore.open(file({ sheet: { run, step: 7, plan } }));
    expect(restore.said?.message).toMatch(/no samples cell/);
  });
});
