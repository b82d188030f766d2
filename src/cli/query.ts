import { resolve } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { csvNumber } from '@shared/csv';
import { AppError } from '@shared/errors';
import { openStore } from '../store';
import type { MetricRows, RunStore } from '../store/port';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { nearest } from './help';
import { findRun, workspaceOf } from './open-engine';
import { writeWhole } from './write-file';

const FORMATS = ['csv', 'json', 'parquet'] as const;

/** `get RUN`: all that is recorded of a run besides its metrics, as JSON. */
export async function get(call: Call): Promise<number> {
  return withStore(call, (store, run) => {
    const { summary, origin, knobs, journal, checkpoints, events } = store.read(run);
    const record = {
      ...summary,
      ...{ config: origin.config, plan: origin.plan ?? [], images: origin.data },
      ...{ versions: origin.versions, knobs, journal, checkpoints, events },
      samples: store.sampleSteps(run),
      metrics: store.metrics(run, 0, 0).keys,
    };
    const text = call.flag('json') ? JSON.stringify(record) : JSON.stringify(record, null, 2);
    call.context.stdout.write(`${text}\n`);
    return EXIT.ok;
  });
}

/** `query RUN`: recorded values, as they were measured. */
export async function query(call: Call): Promise<number> {
  const format = call.text('format') ?? (call.flag('json') ? 'json' : 'csv');
  const out = call.text('out');
  if (!FORMATS.some((known) => known === format))
    throw new UsageError(`--format takes ${FORMATS.join(', ')}, not "${format}".`);
  if (format === 'parquet' && out === undefined)
    throw new UsageError('--format parquet is not for the screen: name a file with --out.');
  return withStore(call, (store, run) => {
    const rows = chosen(call, store.metrics(run, 0, Number.MAX_SAFE_INTEGER));
    const content =
      format === 'csv' ? csv(rows) : format === 'json' ? json(run, rows) : parquet(rows);
    if (out === undefined) call.context.stdout.write(content as string);
    else {
      const file = resolve(out);
      writeWhole(file, content, 'The metrics');
      const facts = { run, file, rows: rows.step.length, columns: Object.keys(rows.values) };
      const words = `${run}: ${facts.rows} rows of ${facts.columns.length} metrics in ${file}`;
      call.context.stdout.write(`${call.flag('json') ? JSON.stringify(facts) : words}\n`);
    }
    return EXIT.ok;
  });
}

/** Columns of n rows; NaN where a row lacks a metric. */
interface Columns {
  step: number[];
  wall: number[];
  active: number[];
  values: Record<string, number[]>;
}

/** The rows and metrics that the call asks for. */
function chosen(call: Call, rows: MetricRows): Columns {
  const wanted = call.texts('metric');
  for (const key of wanted) {
    if (rows.keys.includes(key)) continue;
    const meant = nearest(key, rows.keys);
    throw new AppError('not_found', `The run has no metric "${key}".`, {
      remedy: meant === undefined ? `It has ${rows.keys.join(', ')}.` : `Did you mean ${meant}?`,
    });
  }
  const keys = wanted.length > 0 ? wanted : rows.keys;
  const [from, to] = [call.count('from') ?? 0, call.count('to') ?? Infinity];
  const every = call.count('every', 1) ?? 1;
  const kept = Array.from(rows.step.keys()).filter((row) => {
    const step = rows.step[row] ?? NaN;
    return step >= from && step <= to && step % every === 0;
  });
  const column = (at: (row: number) => number | undefined): number[] =>
    kept.map((row) => at(row) ?? NaN);
  const width = rows.keys.length;
  return {
    step: column((row) => rows.step[row]),
    wall: column((row) => rows.wall[row]),
    active: column((row) => rows.active[row]),
    values: Object.fromEntries(
      keys.map((key) => [key, column((row) => rows.values[row * width + rows.keys.indexOf(key)])]),
    ),
  };
}

function csv({ step, wall, active, values }: Columns): string {
  const columns = [step, wall, active, ...Object.values(values)];
  const head = ['step', 'wall', 'active', ...Object.keys(values)].join(',');
  const lines = step.map((_, row) => columns.map((column) => csvNumber(column[row])).join(','));
  return `${[head, ...lines].join('\n')}\n`;
}

/** JSON has no NaN and no infinity: null for what was not measured, text for the others. */
function json(run: string, { step, wall, active, values }: Columns): string {
  const plain = (value: number): number | string | null =>
    Number.isNaN(value) ? null : Number.isFinite(value) ? value : String(value);
  const metrics = Object.entries(values).map(([key, column]) => [key, column.map(plain)] as const);
  return `${JSON.stringify({ run, step, wall, active, values: Object.fromEntries(metrics) })}\n`;
}

/** Doubles, null where nothing was measured; `step` is a 64-bit integer, `wall` Unix ms. */
function parquet({ step, wall, active, values }: Columns): Uint8Array {
  const doubles = (name: string, column: number[]) => ({
    ...{ name, type: 'DOUBLE' as const },
    data: column.map((value) => (Number.isNaN(value) ? null : value)),
  });
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'step', type: 'INT64', data: step.map(BigInt), nullable: false },
      doubles('wall', wall),
      doubles('active', active),
      ...Object.entries(values).map(([key, column]) => doubles(key, column)),
    ],
  });
  return new Uint8Array(buffer);
}

async function withStore(
  call: Call,
  act: (store: RunStore, run: string) => number,
): Promise<number> {
  const store = openStore(workspaceOf(call), { readonly: true });
  try {
    return act(store, findRun(store.list(), call.operands[0] ?? '').run);
  } finally {
    store.close();
  }
}
