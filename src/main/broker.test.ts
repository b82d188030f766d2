import { beforeEach, expect, it, vi } from 'vitest';
import type { Supervisor } from '../host/supervisor';

const asked = vi.hoisted(() => ({ response: 0, box: vi.fn() }));
vi.mock('electron', () => ({
  BrowserWindow: class {},
  MessageChannelMain: class {},
  dialog: {
    showMessageBox: (...of: unknown[]) => {
      asked.box(...of);
      return Promise.resolve({ response: asked.response });
    },
  },
  ipcMain: { on: vi.fn() },
  nativeTheme: {},
  net: {},
  protocol: {},
}));
const { Broker } = await import('./broker');

const reload = vi.fn();
const close = vi.fn();
let gone: (reason: string) => Promise<void>;

beforeEach(() => {
  vi.clearAllMocks();
  const heard: Record<string, (event: unknown, details: { reason: string }) => void> = {};
  const window = {
    ...{ close, once: vi.fn(), isDestroyed: () => false },
    webContents: { reload, on: (name: string, act: (typeof heard)[string]) => (heard[name] = act) },
  };
  new Broker(() => ({}) as Supervisor, {} as never).watch(window as never);
  gone = async (reason) => {
    heard['render-process-gone']?.({}, { reason });
    await new Promise((done) => setImmediate(done));
  };
});

it('loads a page whose process was killed again, and asks where that goes at once too', async () => {
  asked.response = 0;
  await gone('killed');
  expect(reload).toHaveBeenCalledTimes(1);
  expect(asked.box).not.toHaveBeenCalled();
  await gone('crashed');
  expect(asked.box).toHaveBeenCalledTimes(1);
  expect(reload).toHaveBeenCalledTimes(2);
  asked.response = 1;
  await gone('crashed');
  expect(close).toHaveBeenCalledTimes(1);
  expect(reload).toHaveBeenCalledTimes(2);
});

it('leaves alone a page that ended as it should', async () => {
  await gone('clean-exit');
  expect(reload).not.toHaveBeenCalled();
});
