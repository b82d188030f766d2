import { addCell } from '@shared/config/document';
import { configFor } from '@shared/config/presets';
import { createClient } from '@shared/protocol/client';
import type { HostState } from '@shared/protocol/host';
import { memoryPair } from '@shared/protocol/memory-transport';
import { serve } from '@shared/protocol/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeService } from '../dev/fake-service';
import { freeName } from './library.svelte';
import { Session } from './session.svelte';

const config = configFor('quick', { kind: 'digits' });
const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((each) => each.close()));

class MemoryStorage implements Storage {
  private items = new Map<string, string>();
  get length(): number {
    return this.items.size;
  }
  clear = (): void => this.items.clear();
  key = (index: number): string | null => [...this.items.keys()][index] ?? null;
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  removeItem = (key: string): void => void this.items.delete(key);
  setItem = (key: string, value: string): void => void this.items.set(key, value);
}

function windowOn(service: FakeService, storage = new MemoryStorage()) {
  const host: { tell?: (state: HostState) => void; cut?: () => void } = {};
  const client = createClient(() => {
    const [near, far] = memoryPair();
    serve(service, far);
    host.cut = () => far.close('cut');
    return Promise.resolve(near);
  });
  open.push(client);
  const session = new Session(
    { client, onHost: (handler) => (host.tell = handler), restart: () => undefined },
    storage,
  );
  return { session, host, storage };
}

describe('Session', () => {
  it('begins with the start screen in an empty workspace', async () => {
    const { session } = windowOn(new FakeService());
    await session.begin();
    await vi.waitFor(() => expect(session.hello?.machine.cores).toBe(8));
    expect(session.starting).toBe(true);
    expect(session.error).toBeUndefined();
  });

  it('keeps a run that is chosen while it begins', async () => {
    const service = new FakeService();
    const run = service.seed(3).id;
    const { session } = windowOn(service);
    const begun = session.begin();
    session.view(run);
    await begun;
    expect(session.starting).toBe(false);
    expect(session.viewed?.run).toBe(run);
  });

  it('starts a run from a new notebook, follows it, and shows both again when reopened', async () => {
    const service = new FakeService();
    const { session, storage } = windowOn(service);
    await session.begin();
    await session.begun('Train digits', config, '# Note', true);
    await session.notebook.flush();
    const run = session.viewed?.run;
    expect(run).toBeDefined();
    expect(session.starting).toBe(false);
    await vi.waitFor(() => expect(session.viewed?.curves.length).toBeGreaterThan(0));
    await vi.waitFor(() => expect(session.focus.activity?.run).toBe(run));

    const again = windowOn(service, storage).session;
    await again.begin();
    expect(again.notebook.name).toBe('Train digits');
    expect(again.viewed?.run).toBe(run);
    await vi.waitFor(() => expect(again.train('train').config).toEqual(config));

    const elsewhere = windowOn(service).session;
    await elsewhere.begin();
    expect(elsewhere.viewed?.run).toBe(run);
  });

  it('changes a knob and journals it', async () => {
    const service = new FakeService();
    const { session } = windowOn(service);
    await session.begin();
    await session.begun('Train digits', config, '', true);
    await vi.waitFor(() => expect(session.viewed?.record).toBeDefined());
    session.viewed?.setKnob('lr', 2e-4, true);
    await vi.waitFor(() => expect(session.viewed?.journal).toHaveLength(1));
    expect(session.viewed?.journal[0]).toMatchObject({ knob: 'lr', value: 2e-4 });
    const [entry] = session.viewed?.journal ?? [];
    if (entry) session.viewed?.undo(entry);
    await vi.waitFor(() => expect(session.viewed?.journal).toHaveLength(2));
    expect(session.viewed?.journal[1]?.value).toBe(config.knobs.lr);
  });

  it('has each row once after the connection was cut', async () => {
    const service = new FakeService();
    const { session, host } = windowOn(service);
    await session.begin();
    await session.begun('Train digits', config, '', true);
    await vi.waitFor(() => expect(session.viewed?.curves.length).toBeGreaterThan(5));
    host.cut?.();
    await vi.waitFor(() => expect(session.link.state).toBe('open'), { timeout: 5000 });
    const before = session.viewed?.curves.length ?? 0;
    await vi.waitFor(() => expect(session.viewed?.curves.length).toBeGreaterThan(before), {
      timeout: 5000,
    });
    const steps = [...(session.viewed?.curves.step.view() ?? [])];
    expect(steps).toEqual(steps.map((_, i) => i + 1));
  });

  it('tells of an engine that ended and came back', async () => {
    const { session, host } = windowOn(new FakeService());
    host.tell?.({ state: 'crashed', detail: 'The engine ended with signal SIGKILL.', at: 1 });
    expect(session.host?.state).toBe('crashed');
    expect(session.cameBack).toBeUndefined();
    host.tell?.({ state: 'starting', detail: '', at: 2 });
    host.tell?.({ state: 'ready', detail: '', at: 3 });
    expect(session.cameBack?.detail).toBe('The engine ended with signal SIGKILL.');
  });

  it('keeps a run of its own for each train cell, and follows both', async () => {
    const service = new FakeService();
    const { session } = windowOn(service);
    await session.begin();
    await session.begun('Two', config, '', true);
    const first = session.viewed?.run ?? '';
    await session.order('run.stop', first);
    session.notebook.edit(addCell(session.notebook.document!, 'train', 7).notebook);
    await session.start('train-2');
    const second = session.viewed?.run ?? '';
    expect(second).not.toBe(first);
    expect(session.focus.id).toBe('train-2');
    await vi.waitFor(() =>
      expect(session.train('train-2').viewed?.curves.length).toBeGreaterThan(0),
    );
    expect(session.train('train').viewed?.run).toBe(first);
    expect(session.train('train').activity).toBeNull();
    session.view(first);
    expect(session.focus.id).toBe('train');
    session.view('20260101-101019-elsewhere');
    expect(session.train('train').guest).toBe(true);
    expect(session.train('train-2').run).toBe(second);
    session.trains.showOwn('train');
    expect(session.viewed?.run).toBe(first);
  });

  it('shows a refused start in words and stays where it was', async () => {
    const service = new FakeService();
    service.seed(10);
    const { session } = windowOn(service);
    await session.begin();
    await session.begun('Train digits', config, '', true);
    expect(session.error).toMatchObject({ code: 'busy', remedy: 'Stop it first.' });
    expect(session.viewed).toBeUndefined();
    expect(session.focus.editing).toBe(true);
    expect(session.busy).toBe(false);
  });
});

describe('the document of a session', () => {
  it('undoes edits, never the fact that a run was started', async () => {
    const { session } = windowOn(new FakeService());
    await session.begin();
    await session.begun('One', config, '# Note', true);
    const run = session.viewed?.run;
    session.notebook.update('note', 'note', (note) => ({ ...note, text: 'a' }));
    session.notebook.update('note', 'note', (note) => ({ ...note, text: 'ab' }));
    session.document.remove('model');
    expect(session.document.notice?.words).toMatch(
      /^Model \(3\) was deleted, and with it Train \(4\), Curves \(5\), .*Samples \(\d\)\.$/,
    );
    expect(session.viewed).toBeUndefined();
    session.document.undo();
    expect(session.viewed?.run).toBe(run);
    session.document.undo();
    expect(session.document.cells[0]).toMatchObject({ text: '# Note' });
    expect(session.notebook.turns).toMatchObject({ note: 1 });
    expect(session.notebook.turns['data']).toBeUndefined();
    session.document.undo();
    expect(session.document.notice?.words).toBe('There is nothing to undo.');
    expect(session.train('train').cell?.run).toBe(run);
    session.document.redo();
    expect(session.document.cells[0]).toMatchObject({ text: 'ab' });
  });

  it('says what was changed since the run began, and takes it back', async () => {
    const { session } = windowOn(new FakeService());
    await session.begin();
    await session.begun('One', config, '', true);
    const at = session.train('train');
    await vi.waitFor(() => expect(at.viewed?.record).toBeDefined());
    expect(at.changes).toEqual([]);
    session.notebook.update('data', 'data', (cell) => ({
      ...cell,
      data: { ...cell.data, flip: true },
    }));
    expect(at.changes).toEqual([{ path: 'data.flip', before: false, after: true }]);
    expect(session.viewed?.run).toBe(at.cell?.run);
    session.trains.revert('train');
    expect(at.changes).toEqual([]);
    session.document.undo();
    expect(at.changes).toHaveLength(1);
  });

  it('cuts a group and pastes it back with its run, once', async () => {
    const { session } = windowOn(new FakeService());
    await session.begin();
    await session.begun('One', config, '', true);
    const run = session.viewed?.run;
    session.document.remove('train', true);
    session.document.paste();
    expect(session.viewed?.run).toBe(run);
    session.document.paste();
    expect(session.train('train-2').run).toBeNull();
    expect(session.document.cells.filter(({ kind }) => kind === 'samples')).toHaveLength(2);
  });

  it('deletes a notebook into the trash and brings it back', async () => {
    const { session } = windowOn(new FakeService());
    await session.begin();
    await session.begun('One', config, '', false);
    await session.library.duplicate('One');
    expect(session.notebook.name).toBe('One 2');
    await session.library.rename('One 2', 'Two');
    expect(session.library.notebooks?.map(({ name }) => name)).toEqual(['One', 'Two']);
    await session.library.remove('Two');
    expect(session.notebook.name).toBe('One');
    session.document.notice?.act?.run();
    await vi.waitFor(() => expect(session.notebook.name).toBe('Two'));
    expect(session.error).toBeUndefined();
  });
});

describe('freeName', () => {
  it('counts on', () => {
    expect(freeName('A', new Set())).toBe('A');
    expect(freeName('A', new Set(['A', 'A 2']))).toBe('A 3');
  });

  it('leaves out what no file may be called', () => {
    expect(freeName('How many prototypes?', new Set())).toBe('How many prototypes');
    expect(freeName('../a/b:*', new Set())).toBe('a b');
    expect(freeName('???', new Set())).toBe('Notebook');
  });
});
