import { beforeEach, describe, expect, it, vi } from 'vitest';

const electron = vi.hoisted(() => ({
  window: {
    setProgressBar: vi.fn(),
    isDestroyed: () => false,
    webContents: { send: vi.fn() },
  },
  start: vi.fn(() => 7),
  stop: vi.fn(),
  shown: vi.fn(),
  picked: { canceled: false, filePaths: ['/data/images'] },
}));
vi.mock('electron', () => ({
  BrowserWindow: { fromWebContents: () => electron.window },
  powerSaveBlocker: { start: electron.start, stop: electron.stop },
  dialog: { showOpenDialog: () => Promise.resolve(electron.picked) },
  Notification: class {
    static isSupported = (): boolean => true;
    on = vi.fn();
    show = electron.shown;
  },
}));
const { Desk } = await import('./desk');
const page = {} as Electron.WebContents;

describe('what the page asks of the desktop', () => {
  beforeEach(() => vi.clearAllMocks());

  it('keeps the machine awake while a run trains, once, with its progress on the taskbar', () => {
    const desk = new Desk();
    desk.ask({ desk: 'training', active: true, progress: 0.1 }, page);
    desk.ask({ desk: 'training', active: true, progress: 0.2 }, page);
    expect(electron.start.mock.calls).toEqual([['prevent-app-suspension']]);
    expect(electron.window.setProgressBar).toHaveBeenLastCalledWith(0.2);
    desk.ask({ desk: 'training', active: false, progress: null }, page);
    expect(electron.stop.mock.calls).toEqual([[7]]);
    expect(electron.window.setProgressBar).toHaveBeenLastCalledWith(-1);
    desk.rest();
    expect(electron.stop).toHaveBeenCalledTimes(1);
  });

  it('answers a choice of a folder with its id', async () => {
    new Desk().ask({ desk: 'choose-folder', id: 3 }, page);
    await vi.waitFor(() =>
      expect(electron.window.webContents.send).toHaveBeenCalledWith('desk', {
        id: 3,
        folder: '/data/images',
      }),
    );
    electron.picked = { canceled: true, filePaths: [] };
    new Desk().ask({ desk: 'choose-folder', id: 4 }, page);
    await vi.waitFor(() =>
      expect(electron.window.webContents.send).toHaveBeenCalledWith('desk', {
        id: 4,
        folder: null,
      }),
    );
  });

  it('does nothing that no schema knows', () => {
    const complain = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    for (const value of [
      { desk: 'run', command: 'rm' },
      { desk: 'notify', title: 'x'.repeat(500), body: '' },
      { desk: 'training', active: true, progress: 7 },
      null,
    ]) {
      new Desk().ask(value, page);
    }
    expect(complain).toHaveBeenCalledTimes(4);
    expect(electron.start).not.toHaveBeenCalled();
    expect(electron.shown).not.toHaveBeenCalled();
    complain.mockRestore();
  });

  it('shows a notification', () => {
    new Desk().ask({ desk: 'notify', title: 'brisk-heron has finished', body: '' }, page);
    expect(electron.shown).toHaveBeenCalledTimes(1);
  });
});
