import { umapLayout } from './umap-layout';
import type { UmapAnswer, UmapRequest } from './umap-messages';

/** Time between two words of progress, ms. */
const TELL_EVERY = 60;

const answer = (message: UmapAnswer): void => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<UmapRequest>): void => {
  let told = 0;
  const positions = umapLayout(data, (done, total) => {
    const now = performance.now();
    if (now - told < TELL_EVERY) return;
    told = now;
    answer({ kind: 'progress', done, total });
  });
  answer({ kind: 'done', positions });
};
