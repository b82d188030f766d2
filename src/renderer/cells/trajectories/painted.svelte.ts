import type { TrajectoryView } from '@shared/config/notebook';
import type { Picture } from '../../components/pixels';
import { theme } from '../../components/theme.svelte';
import { differenceGain, keyOf, pictureOf } from './frames';
import type { Frame } from './frames';

interface Kept {
  key: string;
  frame: Frame;
  first: Frame | undefined;
  picture: Picture | null;
}

/** The frames of a grid as pictures; one that is the same as before is not painted anew. */
export class PaintedFrames {
  private kept = new Map<string, Kept>();

  constructor(
    private readonly frames: () => ReadonlyMap<string, Frame>,
    private readonly view: () => TrajectoryView,
  ) {}

  /** How many times stronger differences are drawn. */
  readonly gain = $derived.by(() => differenceGain(this.frames().values()));

  readonly all = $derived.by((): Map<string, Picture | null> => {
    const [frames, view, dark, gain] = [this.frames(), this.view(), theme.dark, this.gain];
    const differs = view === 'difference';
    const key = differs ? `${view} ${dark} ${gain}` : view;
    const fresh = new Map<string, Kept>();
    for (const [at, frame] of frames) {
      const first = frames.get(keyOf(0, frame.column));
      const before = this.kept.get(at);
      const same =
        before?.key === key && before.frame === frame && (!differs || before.first === first);
      const picture = same ? before.picture : pictureOf(frame, first, view, dark, gain);
      fresh.set(at, { key, frame, first, picture });
    }
    this.kept = fresh;
    return new Map([...fresh].map(([at, { picture }]) => [at, picture]));
  });
}
