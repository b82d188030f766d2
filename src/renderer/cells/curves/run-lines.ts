import { heldOut } from '@shared/config/held-out';
import type { XAxis } from '@shared/config/notebook';
import type { PanelLine } from '../../plots/lines';
import { nearest } from '../../plots/panel';
import type { Mark } from '../../plots/panel';
import { knobSign, knobText } from '../../components/knob-text';
import type { Scale } from '../../session/curves-buffer';
import type { RunSession } from '../../session/run-session.svelte';
import { metricName } from './panels';
import type { PanelSpec } from './panels';

/** A run whose curves are drawn. */
export interface DrawnRun {
  session: RunSession;
  name: string;
  colour: number;
  live: boolean;
}

export interface Drawing {
  axis: XAxis;
  smoothing: number;
  logY: boolean;
}

export function scaleOf({ record }: RunSession, axis: XAxis): Scale {
  if (!record) return { axis, batch: 1, images: NaN };
  const { config, images } = record;
  return {
    axis,
    batch: config.training.batch_size,
    images: images - heldOut(images, config.data.validation),
  };
}

/** The lines of a panel: of every run each of its metrics that was measured. */
export function linesOf(
  panel: PanelSpec,
  runs: readonly DrawnRun[],
  { axis, smoothing, logY }: Drawing,
): PanelLine[] {
  return runs.flatMap(({ session, name, colour, live }) =>
    panel.metrics
      .filter(({ key }) => session.curves.has(key))
      .map(({ key, end }) => ({
        name: [
          runs.length > 1 || end === undefined ? name : '',
          metricName(key, session.record?.config),
        ]
          .filter((part) => part !== '')
          .join(' '),
        run: session.run,
        metric: key,
        colour,
        live,
        end: end ?? (runs.length > 1 && panel.size === 'large' ? name : undefined),
        read: () =>
          session.curves.series(
            key,
            scaleOf(session, axis),
            panel.noisy ? smoothing : 0,
            logY && panel.loss,
          ),
      })),
  );
}

/** The knob changes of a run on the axis in use. */
export function marksOf({ journal, curves }: RunSession, scale: Scale): Mark[] {
  if (curves.length === 0) return [];
  const steps = curves.step.view();
  const at = curves.axis(scale);
  return journal.map(({ knob, previous, value, applied_at_step: step }) => ({
    x: scale.axis === 'step' ? step : (at[nearest(steps, step)] ?? NaN),
    sign: knobSign(knob),
    words: `${knobSign(knob)} ${knobText(knob, previous)} → ${knobText(knob, value)}`,
  }));
}
