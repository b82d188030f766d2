import { ipcRenderer } from 'electron';

// Hands the page its port to the engine, the host's words about it, and what it asks of the desktop,
// which the main process checks; nothing else crosses.
const toPage = (message: object, ports: MessagePort[] = []): void =>
  window.postMessage(message, window.location.origin, ports);

ipcRenderer.on('port', ({ ports }) => toPage({ protodiff: 'port' }, [...ports]));
ipcRenderer.on('desk', (_event, answer: object) => toPage({ protodiff: 'desk', ...answer }));
ipcRenderer.on('host', (_event, state: object) => toPage({ protodiff: 'host', ...state }));

window.addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
  if (source !== window) return;
  if (data === 'protodiff:ready') ipcRenderer.send('ready');
  if (data === 'protodiff:restart') ipcRenderer.send('restart');
  if (typeof data === 'object' && data !== null && 'desk' in data) ipcRenderer.send('desk', data);
});
