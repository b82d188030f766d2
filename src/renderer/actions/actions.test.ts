import { createClient } from '@shared/protocol/client';
import { memoryPair } from '@shared/protocol/memory-transport';
import { serve } from '@shared/protocol/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CellPort } from '../session/document.svelte';
import type { Session } from '../session/session.svelte';
import { FakeService } from '../dev/fake-service';
import { ACTIONS, actionOf } from './actions';
import { belongsToControl, capsOf, chordOf, Sequence } from './chords';
import { Keymap } from './keymap.svelte';
import { interrupt, interruptible } from './run-cells';

const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((each) => each.close()));

const press = (key: string, held: Partial<KeyboardEvent> = {}): KeyboardEvent =>
  ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...held,
  }) as KeyboardEvent;

describe('chords', () => {
  it('are written one way, Mod being Ctrl or Cmd', () => {
    expect(chordOf(press('k', { ctrlKey: true }), false)).toBe('Mod+K');
    expect(chordOf(press('k', { metaKey: true }), true)).toBe('Mod+K');
    expect(chordOf(press('R', { ctrlKey: true, shiftKey: true }), false)).toBe('Mod+Shift+R');
    expect(chordOf(press('?', { shiftKey: true }), false)).toBe('?');
    expect(chordOf(press(' '), false)).toBe('Space');
    expect(chordOf(press('Shift', { shiftKey: true }), false)).toBeUndefined();
    expect(capsOf('Mod+Shift+ArrowUp', false)).toEqual(['Ctrl', 'Shift', '↑']);
    expect(capsOf('D D', false)).toEqual(['D', 'D']);
  });

  it('join into sequences in time, and only where something is bound', () => {
    const sequence = new Sequence();
    const begins = (chord: string): boolean => chord === 'D';
    expect(sequence.take('D', 0, begins)).toEqual(['D']);
    expect(sequence.take('D', 500, begins)).toEqual(['D D', 'D']);
    expect(sequence.take('D', 5000, begins)).toEqual(['D']);
    expect(sequence.take('J', 5100, begins)).toEqual(['D J', 'J']);
    expect(sequence.take('D', 5200, begins)).toEqual(['D']);
  });

  it('leave buttons and sliders their own', () => {
    expect(['Enter', 'Space', 'ArrowUp', 'Shift+ArrowLeft'].every(belongsToControl)).toBe(true);
    expect(['Shift+Enter', 'J', 'Mod+Enter'].some(belongsToControl)).toBe(false);
  });
});

describe('the table of actions', () => {
  it('has single names, and no key twice', () => {
    const ids = ACTIONS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const keys = ACTIONS.flatMap((action) => action.keys);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) {
      expect(keys.filter((other) => other !== key && other.startsWith(`${key} `))).toEqual([]);
    }
  });
});

describe('interrupt', () => {
  it('gives up the pictures that are being made; only without any does training stop', () => {
    const orders: string[] = [];
    const ports = new Map<string, CellPort>([['samples', {}]]);
    const session = {
      active: { run: 'r' },
      document: { ports },
      order: (order: string) => orders.push(order),
    } as unknown as Session;
    const cancel = vi.fn(() => ports.set('rows', {}));
    ports.set('rows', { cancel });
    interrupt(session);
    expect(cancel).toHaveBeenCalledOnce();
    expect(orders).toEqual([]);
    interrupt(session);
    expect(orders).toEqual(['run.stop']);
    expect(interruptible({ ...session, active: null } as Session)).toBe(false);
  });
});

describe('Keymap', () => {
  const keymapOn = (service: FakeService): Keymap => {
    const client = createClient(() => {
      const [near, far] = memoryPair();
      serve(service, far);
      return Promise.resolve(near);
    });
    open.push(client);
    return new Keymap(client);
  };

  it('keeps what a person bound, takes the key from its owner, and resets both', async () => {
    const service = new FakeService();
    const keymap = keymapOn(service);
    const [copy, next] = [actionOf('cell.copy'), actionOf('cell.next')];
    await keymap.bind(copy, 'J');
    expect(keymap.find('J')).toBe(copy);
    expect(keymap.keysOf(next)).toEqual(['ArrowDown']);
    const again = keymapOn(service);
    await again.load();
    expect(again.keysOf(copy)).toEqual(['J']);
    expect(again.isYours(copy)).toBe(true);
    await again.reset(next);
    expect(again.find('J')).toBe(next);
    expect(again.keysOf(copy)).toEqual([]);
    await again.resetAll();
    expect(again.keysOf(copy)).toEqual(['C']);
    expect(again.isYours(copy)).toBe(false);
  });

  it('says so when the kept keys are damaged, and holds to the shipped ones', async () => {
    const service = new FakeService();
    const keymap = keymapOn(service);
    await keymap.bind(actionOf('undo'), 'U');
    vi.spyOn(service, 'request').mockResolvedValue({ json: '{"undo":7}' } as never);
    await keymap.load();
    expect(keymap.error?.message).toContain('could not be read');
  });
});
