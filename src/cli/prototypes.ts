import { prototypeAlarms } from '@shared/prototype-alarms';
import { openStore } from '../store';
import type { PrototypeSnapshot } from '../store/port';
import { EXIT } from './call';
import type { Call } from './call';
import { table } from './help';
import { findRun, workspaceOf } from './open-engine';

/** What the newest snapshot says. Without an engine: the run may be training now. */
export async function prototypes(call: Call): Promise<number> {
  const store = openStore(workspaceOf(call), { readonly: true });
  try {
    const { run } = findRun(store.list(), call.operands[0] ?? '');
    const newest = store.prototypeSteps(run).at(-1);
    const snapshot = newest && store.loadPrototypes(run, newest.step);
    const labels = new Map(
      store.prototypeLabels(run).map(({ prototype, name }) => [prototype, name]),
    );
    const nameOf = (prototype: number): string => labels.get(prototype) || `p${prototype}`;
    const { stdout } = call.context;
    if (call.flag('json')) stdout.write(`${JSON.stringify(asJson(run, snapshot, nameOf))}\n`);
    else
      stdout.write(
        snapshot ? asText(run, snapshot, nameOf) : `${run} has no snapshots of its prototypes.\n`,
      );
    return EXIT.ok;
  } finally {
    store.close();
  }
}

type NameOf = (prototype: number) => string;

function asJson(run: string, snapshot: PrototypeSnapshot | undefined, nameOf: NameOf): object {
  if (snapshot === undefined) return { run, step: null, alarms: [] };
  const { step, ids, usage, assignments, perplexity, churn, purity, nmi, swaps } = snapshot;
  return {
    ...{ run, step, assignments, perplexity, churn, purity, nmi, swaps },
    prototypes: [...usage.data].map((share, i) => ({
      name: nameOf(ids.data[i] ?? i),
      usage: share,
    })),
    alarms: prototypeAlarms(snapshot),
  };
}

function asText(run: string, snapshot: PrototypeSnapshot, nameOf: NameOf): string {
  const { step, ids, usage, assignments, perplexity, churn, purity, nmi, swaps } = snapshot;
  const figure = (value: number | null, digits = 3): string => value?.toFixed(digits) ?? '–';
  const swap =
    swaps.length === 0 ? null : swaps.reduce((sum, s) => sum + s.change, 0) / swaps.length;
  const lines = [
    `${run} at step ${step}, ${usage.data.length} prototypes`,
    '',
    ...table([
      ['perplexity', figure(perplexity, 2)],
      ['churn', figure(churn)],
      ['purity', figure(purity)],
      ['NMI', figure(nmi)],
      ['change of eps on a swap', swap === null ? '–' : swap.toPrecision(2)],
    ]),
    '',
    ...table([
      ['prototype', `of the last ${assignments} assignments`],
      ...[...usage.data].map((share, i) => [
        nameOf(ids.data[i] ?? i),
        `${(100 * share).toFixed(1)} %`,
      ]),
    ]),
  ];
  for (const { kind, prototypes: of, value, limit, suggestion } of prototypeAlarms(snapshot)) {
    lines.push(
      '',
      `${kind}: ${of.map(nameOf).join(', ')} (${figure(value)}, limit ${figure(limit)})`,
    );
    lines.push(suggestion);
  }
  return `${lines.join('\n')}\n`;
}
