import type { TrajectoryView } from '@shared/config/notebook';

export const VIEW_WORDS: Record<TrajectoryView, string> = {
  x_t: 'x_t',
  x_0: 'predicted x₀',
  eps: 'eps',
  difference: 'difference',
};
