import { ipcRenderer } from 'electron';

// Hands the page its port to the engine and the host's words about it; nothing else crosses.
const toPage = (message: object, ports: MessagePort[] = []): void =>
  window.postMessage(message, window.location.origin, ports);

ipcRenderer.on('port', ({ ports }) => toPage({ protodiff: 'port' }, [...ports]));
ipcRenderer.on('host', (_event, state: object) => toPage({ protodiff: 'host', ...state }));

window.addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
  if (source !== window) return;
  if (data === 'protodiff:ready') ipcRenderer.send('ready');
  if (data === 'protodiff:restart') ipcRenderer.send('restart');
});
