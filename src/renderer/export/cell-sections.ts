import { titleOf } from '@shared/config/cell-kinds';
import type { Cell, CellKind, CellOf } from '@shared/config/notebook';
import { settingRows } from '../cells/compare/differences';
import { pcaPlanes, spreadPlanes } from '../cells/prototypes/map-planes';
import { keyOf, pictureOf as framePicture } from '../cells/trajectories/frames';
import { makerOf } from '../cells/trajectories/maker.svelte';
import { conditionWords } from '../cells/trajectories/row-words';
import { pictureOf } from '../cells/samples/sheet-files';
import { cellKey, sheetMakerOf } from '../cells/samples/sheet-maker.svelte';
import { settingsLine } from '../cells/samples/settings-line';
import { count } from '../components/format';
import { actWords } from '../components/act-text';
import { knobSign, knobText } from '../components/knob-text';
import { pictures } from '../components/pixels';
import type { Picture } from '../components/pixels';
import { pngOf, sheetOf } from '../components/png';
import { MARK_WORDS } from '../components/states';
import type { RunSession } from '../session/run-session.svelte';
import type { Session } from '../session/session.svelte';
import { curveSvg } from './curve-svg';
import { html, markdown } from './markup';
import type { Markup } from './markup';
import { mapMarkup } from './prototype-map';
import { section, table } from './page';

const GAP_COLOUR = [255, 255, 255] as const;
/** Images are pixels: each is drawn so many times larger. */
const SCALE = 2;

const CURVES: readonly [key: string, title: string][] = [
  ['train/loss', 'Total loss'],
  ['train/loss_diff', 'Diffusion loss'],
  ['train/loss_proto/contrastive', 'Contrastive'],
  ['train/loss_proto/align', 'Alignment'],
  ['train/loss_proto/compact', 'Compactness'],
  ['train/lr', 'Learning rate'],
  ['train/grad_norm', 'Gradient norm'],
];

type Writer<K extends CellKind> = (cell: CellOf<K>, session: Session) => Promise<Markup[]>;

// What a kind without a writer of its own shows is its settings.
const WRITERS: { readonly [K in CellKind]?: Writer<K> } = {
  data: async ({ id, data }, session) => [table(session.trains.settingsAt(id)?.data ?? data)],
  model: async ({ id, model, diffusion }, session) => {
    const settings = session.trains.settingsAt(id);
    return [table(settings?.model ?? model), table(settings?.diffusion ?? diffusion)];
  },
  train: async ({ id }, session) => {
    const { summary, viewed, config, changes } = session.train(id);
    const lines: Markup[] = [];
    if (summary) {
      lines.push(
        html`<p>
          ${summary.name}: ${MARK_WORDS[summary.state].toLowerCase()} at step ${count(summary.step)}
          of ${count(summary.steps)}.
        </p>`,
      );
    }
    if (changes.length > 0) {
      lines.push(html`<p class="meta">The notebook has changed since this run began.</p>`);
    }
    const knobs = (viewed?.journal ?? []).map(({ applied_at_step, knob, previous, value }) => ({
      step: applied_at_step,
      words: `${knobSign(knob)} ${knobText(knob, previous)} → ${knobText(knob, value)}`,
    }));
    const acts = (viewed?.surgery.past ?? []).map((done, i, past) => ({
      step: viewed?.surgery.acts[i]?.applied_at_step ?? 0,
      words: actWords(done, past),
    }));
    const journal = [...knobs, ...acts]
      .sort((one, other) => one.step - other.step)
      .map(
        ({ step, words }) =>
          html`<tr>
            <th scope="row">step ${count(step)}</th>
            <td>${words}</td>
          </tr>`,
      );
    if (journal.length > 0)
      lines.push(
        html`<h3>Journal</h3>
          <table>
            ${journal}
          </table>`,
      );
    if (config)
      lines.push(
        html`<details>
          <summary>All settings</summary>
          ${table(config)}
        </details>`,
      );
    return lines;
  },
  curves: async ({ train, log_y }, session) => {
    const { viewed } = session.train(train);
    if (!viewed || viewed.curves.length === 0) return [html`<p class="meta">No steps yet.</p>`];
    return CURVES.flatMap(([key, title]) =>
      curveOf(viewed, key, title, log_y && key.includes('loss')),
    );
  },
  samples: async ({ id, train }, session) => {
    const { viewed } = session.train(train);
    if (!viewed) return [html`<p class="meta">No run yet.</p>`];
    const out: Markup[] = [];
    const { shown } = viewed.samples;
    if (shown) {
      const tiles = pictures(shown.images);
      const columns = Math.ceil(Math.sqrt(tiles.length * 2));
      const rows = tiles
        .map((_, i) => i)
        .filter((i) => i % columns === 0)
        .map((i) => tiles.slice(i, i + columns));
      out.push(image(rows, `Preview, ${settingsLine(shown.settings)}`));
    }
    const sheet = sheetMakerOf(session.engine, `${id} ${viewed.run}`);
    if (sheet.made && sheet.images.size > 0) {
      const { plan } = sheet.made;
      const rows = Array.from({ length: plan.rows }, (_, row) =>
        plan.columns.map((_column, column) => {
          const each = sheet.images.get(cellKey(column, row));
          return each && pictureOf(each);
        }),
      );
      const prototypes = plan.columns.map((each) => conditionWords(each)).join('; ');
      out.push(
        image(
          rows,
          `Contact sheet at step ${count(sheet.step ?? 0)}: ${prototypes} across, seeds from ${plan.seed} down`,
        ),
      );
    }
    return out.length > 0 ? out : [html`<p class="meta">No samples yet.</p>`];
  },
  prototypes: async ({ train, projection }, session) => {
    const { viewed } = session.train(train);
    const snapshot = viewed?.prototypes.shown;
    if (!viewed || !snapshot) return [html`<p class="meta">No snapshot of the prototypes.</p>`];
    const { history } = viewed.prototypes;
    const planes = projection === 'spread' ? spreadPlanes(history) : pcaPlanes(history);
    const plane = planes?.all[history.all.indexOf(snapshot)];
    return planes && plane
      ? mapMarkup(snapshot, plane, planes, {
          nameOf: (prototype) => viewed.prototypes.nameOf(prototype),
          colourOf: (prototype) => viewed.prototypes.colourOf(prototype),
        })
      : [];
  },
  compare: async ({ runs }, session) =>
    compared(
      runs.flatMap((run) => {
        const followed = session.pool.get(run);
        return followed ? [followed] : [];
      }),
    ),
  trajectories: async ({ id, train, view }, session) => {
    const { viewed } = session.train(train);
    const maker = viewed && makerOf(session.engine, `${id} ${viewed.run}`);
    if (!maker?.made || maker.frames.size === 0) {
      return [html`<p class="meta">No trajectories were made in this window.</p>`];
    }
    const { rows } = maker.made.plan;
    const grid = rows.map((_, row) =>
      maker.columns.map((_column, column) => {
        const frame = maker.frames.get(keyOf(row, column));
        return frame && framePicture(frame, maker.frames.get(keyOf(0, column)), view, false);
      }),
    );
    return [
      image(
        grid,
        `From noise to image; rows: ${rows.map(({ prototypes }) => conditionWords(prototypes)).join('; ')}`,
      ),
    ];
  },
};

function compared(runs: readonly RunSession[]): Markup[] {
  const known = runs.flatMap(({ run, record, journal }) =>
    record ? [{ name: record.summary.name || run, config: record.config, journal }] : [],
  );
  if (known.length < 2) return [html`<p class="meta">Fewer than two runs are compared.</p>`];
  const rows = settingRows(known).filter(({ differs }) => differs);
  return [
    html`<table>
      <caption>
        Settings that differ
      </caption>
      <tr>
        <th scope="col">setting</th>
        ${known.map(({ name }) => html`<th scope="col">${name}</th>`)}
      </tr>
      ${rows.map(
        ({ name, values }) =>
          html`<tr>
            <th scope="row">${name}</th>
            ${values.map((value) => html`<td>${value}</td>`)}
          </tr>`,
      )}
    </table>`,
    ...runs.flatMap((run) => curveOf(run, 'train/loss', 'Total loss', true)),
  ];
}

function curveOf(
  { curves, run, record }: RunSession,
  key: string,
  title: string,
  log: boolean,
): Markup[] {
  if (curves.length === 0 || !curves.has(key)) return [];
  const name = record?.summary.name ?? run;
  return [curveSvg(title, name, curves.step.view(), curves.rows(key), log)];
}

function image(rows: readonly (readonly (Picture | null | undefined)[])[], words: string): Markup {
  const picture = sheetOf(rows, 2, GAP_COLOUR);
  const png = pngOf(picture, { words });
  return html`<figure>
    <img
      src="data:image/png;base64,${base64(png)}"
      width="${picture.width * SCALE}"
      alt="${words}"
    />
    <figcaption>${words}</figcaption>
  </figure>`;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  const CHUNK = 8192; // arguments that a call may have
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(text);
}

export async function sectionOf(cell: Cell, number: number, session: Session): Promise<Markup> {
  if (cell.kind === 'note') return html`<section>${markdown(cell.text)}</section>`;
  const write = WRITERS[cell.kind] as Writer<CellKind> | undefined;
  const source = 'train' in cell ? (session.train(cell.train).summary?.name ?? '') : '';
  const { id: _id, kind: _kind, folded: _folded, ...settings } = cell;
  const body = write ? await write(cell, session) : [table(settings)];
  return section(number, titleOf(cell), source, body);
}
