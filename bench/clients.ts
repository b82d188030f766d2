import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '@shared/protocol/client';
import type { Client } from '@shared/protocol/client';
import { deafClient, signIn, socketTransport } from '../src/serve/testing';

/**
 * Many clients of one served host, then bad ones beside them: one that reads 1 KB/s, one that is
 * stopped, one that never reads, one that never reads and asks for ever more. C2 and C3 of what must
 * survive: the step rate, what arrives late, memory.
 */
const { values: flags } = parseArgs({
  options: {
    clients: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
    /** A client in a process of its own, to be stopped: port and cookie. */
    one: { type: 'string' },
  },
});
const SECONDS = Number(flags.seconds);
/** The engine's own loop is compiled anew in its first seconds: steps before that are others, ms. */
const WARM_MS = 15_000;

/** A good client: what it has, and how late things came, ms. */
class Watcher {
  scalars: number[] = [];
  previews: number[] = [];
  rows = 0;
  /** Rows out of their order. */
  gaps = 0;
  readonly client: Client;

  constructor(port: number, cookie: string) {
    this.client = createClient(() => socketTransport(port, cookie, []), {
      report: (error) => console.error(error),
    });
    this.client.subscribe('curves', { run: 'r' }, ({ step, wall, restart }) => {
      if (restart) this.rows = 0;
      const now = Date.now();
      step.data.forEach((row, i) => {
        if (row !== this.rows) this.gaps += 1;
        this.rows = row + 1;
        if (!restart) this.scalars.push(now - (wall.data[i] ?? NaN));
      });
    });
    this.client.subscribe('samples', { run: 'r' }, ({ settings }) => {
      this.previews.push(Date.now() - settings.seconds);
    });
  }
}

/** Resident memory of a process, MB. */
function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Processor time of all threads of a process, ms; the kernel's unit is 10 ms. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return 10 * (Number(user) + Number(system));
}

const p99 = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? NaN;

interface Phase {
  steps_per_s: number;
  /** The engine's processor time a step, which what else runs on the machine does not take away. */
  step_cpu_ms: number;
  scalars_p99_ms: number;
  previews_p99_ms: number;
  rows_per_client_s: number;
  gaps: number;
  host_mb: number;
  engine_mb: number;
  /** Share of one core. */
  host_cpu: number;
  clients_cpu: number;
}

/** For reading: columns that fit beside each other. */
function rounded(figures: Record<string, Phase>): Record<string, Record<string, number>> {
  return Object.fromEntries(
    Object.entries(figures).map(([phase, of]) => [
      phase,
      Object.fromEntries(
        Object.entries(of).map(([name, value]) => [name, Number(value.toFixed(2))]),
      ),
    ]),
  );
}

async function main(): Promise<void> {
  const here = dirname(process.argv[1] ?? '');
  if (flags.one !== undefined) {
    const [port = '', cookie = ''] = flags.one.split(' ');
    const one = new Watcher(Number(port), cookie);
    process.on('message', () => process.send?.({ rows: one.rows, gaps: one.gaps }));
    return;
  }
  const workspace = mkdtempSync(join(tmpdir(), 'protodiff-clients-'));
  const host: ChildProcess = fork(join(here, 'clients-host-child.cjs'), [workspace, here]);
  const pid = host.pid ?? 0;
  try {
    const told = await new Promise<{ port: number; url: string; engine: number }>((done) =>
      host.once('message', (message) => done(message as never)),
    );
    const { port, engine } = told;
    const cookie = await signIn(port, told.url);
    const counter = createClient(() => socketTransport(port, cookie, []));
    const steps = async (): Promise<number> =>
      (await counter.request('notebooks.list', {})).notebooks[0]?.modified ?? NaN;
    const watchers: Watcher[] = [];
    const phase = async (): Promise<Phase> => {
      for (const each of watchers) {
        each.scalars = [];
        each.previews = [];
      }
      const [from, began] = [await steps(), performance.now()];
      const rows = watchers.map((each) => each.rows);
      const cpu = (): number[] => [engine, pid, process.pid].map(cpuOf);
      const cpuBefore = cpu();
      let [hostMost, engineMost] = [0, 0];
      while (performance.now() - began < SECONDS * 1000) {
        await sleep(250);
        hostMost = Math.max(hostMost, rssOf(pid));
        engineMost = Math.max(engineMost, rssOf(engine));
      }
      const seconds = (performance.now() - began) / 1000;
      const came = watchers.reduce((sum, each, i) => sum + each.rows - (rows[i] ?? 0), 0);
      const made = (await steps()) - from;
      const [engineCpu = NaN, hostCpu = NaN, clientsCpu = NaN] = cpu().map(
        (ms, i) => ms - (cpuBefore[i] ?? NaN),
      );
      return {
        steps_per_s: made / seconds,
        step_cpu_ms: engineCpu / made,
        scalars_p99_ms: p99(watchers.flatMap((each) => each.scalars)),
        previews_p99_ms: p99(watchers.flatMap((each) => each.previews)),
        rows_per_client_s: came / seconds / Math.max(1, watchers.length),
        gaps: watchers.reduce((sum, each) => sum + each.gaps, 0),
        host_mb: hostMost,
        engine_mb: engineMost,
        host_cpu: hostCpu / 1000 / seconds,
        clients_cpu: clientsCpu / 1000 / seconds,
      };
    };
    await sleep(WARM_MS);
    const figures: Record<string, Phase> = { 'no client': await phase() };
    for (let n = 0; n < Number(flags.clients); n++) watchers.push(new Watcher(port, cookie));
    await sleep(2000);
    figures[`${flags.clients} clients`] = await phase();

    const stopped = fork(process.argv[1] ?? '', ['--one', `${port} ${cookie}`]);
    const bad = [
      deafClient(port, cookie, 4),
      deafClient(port, cookie, 4),
      deafClient(port, cookie, 64),
    ];
    await sleep(2000);
    stopped.kill('SIGSTOP');
    const trickle = setInterval(() => bad[0]?.read(1024), 1000);
    figures['and 4 bad ones'] = await phase();
    clearInterval(trickle);
    stopped.kill('SIGCONT');
    await sleep(2000);
    const rows = new Promise<{ rows: number; gaps: number }>((done) =>
      stopped.once('message', (message) => done(message as never)),
    );
    stopped.send('rows');
    const late = await rows;
    stopped.kill('SIGKILL');
    const dropped = bad[2]?.destroyed === true || bad[2]?.readyState === 'closed';
    for (const socket of bad) socket.destroy();
    const most = Math.max(...watchers.map((each) => each.rows));
    for (const each of watchers) each.client.close();
    watchers.length = 0;
    await sleep(1000);
    figures['no client again'] = await phase();
    counter.close();
    if (flags.json) console.log(JSON.stringify(figures));
    else console.table(rounded(figures));
    const alone = ['no client', 'no client again'].map((name) => figures[name]?.steps_per_s ?? NaN);
    const beside = figures[`${flags.clients} clients`]?.steps_per_s ?? NaN;
    const cost = 1 - (2 * beside) / alone.reduce((sum, rate) => sum + rate, 0);
    console.log(`${flags.clients} clients cost ${(100 * cost).toFixed(1)} % of the steps.`);
    console.log(
      `The client that was stopped has ${late.rows} of ${most} rows 2 s after it went on, ${late.gaps} out of order. The one that asked for ever more was ${dropped ? 'dropped' : 'served from memory'}.`,
    );
  } finally {
    host.send('close');
    await new Promise((done) => host.once('exit', done));
    rmSync(workspace, { recursive: true, force: true });
  }
}

void main().then(
  () => flags.one === undefined && process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
