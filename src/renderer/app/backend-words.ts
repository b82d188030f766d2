import type { Backend } from '@shared/protocol/contract';

/** `TensorFlow 2.21 on CPU`, and its short form for the status bar. */
export function backendWords(backend: Backend): string {
  const device = backend.device === 'cuda' ? 'CUDA' : 'CPU';
  switch (backend.name) {
    case 'tensorflow':
      return `TensorFlow ${backend.version} on ${device}`;
    case 'webgpu':
      return `WebGPU on ${backend.version}`;
    case 'wasm':
      return 'WebAssembly on CPU';
    case 'cpu':
      return 'JavaScript on CPU';
  }
}
