import { heldOut } from '@shared/config/held-out';
import type { XAxis } from '@shared/config/notebook';
import type { PanelLine } from '../../plots/lines';
import { nearest } from '../../plots/panel';
import type { Mark } from '../../plots/panel';
import { count } from '../../components/format';
import { actSign, actWords } from '../../components/act-text';
import { knobSign, knobText } from '../../components/knob-text';
import type { Scale, Series } from '../../session/curves-buffer';
import type { RunSession } from '../../session/run-session.svelte';
import { metricName } from './panels';
import type { PanelSpec } from './panels';

/** A run whose curves are drawn. */
export interface DrawnRun {
  session: RunSession;
  name: string;
  colour: number;
  live: boolean;
  /** An ancestor of a run that is drawn: only what came before this step, and faint. */
  until?: number;
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
  const several = runs.filter(({ until }) => until === undefined).length > 1;
  return runs.flatMap(({ session, name, colour, live, until }) =>
    panel.metrics
      .filter(({ key }) => session.curves.has(key))
      .map(({ key, end }) => ({
        name: [several || end === undefined ? name : '', metricName(key, session.record?.config)]
          .filter((part) => part !== '')
          .join(' '),
        run: session.run,
        metric: key,
        colour,
        live,
        ...(until === undefined
          ? { end: end ?? (several && panel.size === 'large' ? name : undefined) }
          : { ghost: true }),
        read: () => {
          const weight = panel.noisy ? smoothing : 0;
          const scale = scaleOf(session, axis);
          const series = session.curves.series(key, scale, weight, logY && panel.loss);
          return series && until !== undefined ? seriesUntil(series, until) : series;
        },
      })),
  );
}

/** The part of a series up to a step, that step included. */
export function seriesUntil({ x, step, raw, smoothed, dropped }: Series, until: number): Series {
  const at = nearest(step, until);
  const length = (step[at] ?? Infinity) <= until ? at + 1 : at;
  const part = ({ values, extremes }: Series['raw']): Series['raw'] => ({
    values: values.subarray(0, Math.max(0, length)),
    extremes,
  });
  return {
    ...{ x: x.subarray(0, Math.max(0, length)), step: step.subarray(0, Math.max(0, length)) },
    ...{ raw: part(raw), smoothed: part(smoothed), dropped },
  };
}

/** Where a run was branched, its knob changes and the acts on its prototypes, on the axis in use. */
export function marksOf({ journal, curves, record, surgery }: RunSession, scale: Scale): Mark[] {
  if (curves.length === 0) return [];
  const steps = curves.step.view();
  const at = curves.axis(scale);
  const place = (step: number): number =>
    scale.axis === 'step' ? step : (at[nearest(steps, step)] ?? NaN);
  const parted = record?.summary.parent?.step;
  return [
    ...(parted === undefined
      ? []
      : [{ x: place(parted), sign: 'branch', words: `branched at step ${count(parted)}` }]),
    ...journal.map(({ knob, previous, value, applied_at_step: step }) => ({
      x: place(step),
      sign: knobSign(knob),
      words: `${knobSign(knob)} ${knobText(knob, previous)} → ${knobText(knob, value)}`,
    })),
    ...surgery.past.map((done, i) => ({
      x: place(surgery.acts[i]?.applied_at_step ?? NaN),
      sign: actSign(done),
      words: actWords(done, surgery.past),
    })),
  ];
}
