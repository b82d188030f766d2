import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { HEARTBEAT_MS } from '@shared/protocol/host';
import type { Recovery } from '@shared/protocol/host';
import { serve } from '@shared/protocol/server';
import type { Service } from '@shared/protocol/service';
import { inSlots, systemTimers } from '@shared/protocol/timers';
import type { Transport } from '@shared/protocol/transport';
import { lockWorkspace } from '../store/workspace-lock';
import type { HostLink } from './host-link';
import { openLog } from './log';
import type { Log } from './log';
import { Way } from './way';

/** Time for the last checkpoint when asked to end, and when the host has died. */
const GRACE_MS = { stop: 10_000, orphan: 4000 };

/** Windows whose next event falls due within this are served in one turn, ms. */
const SLOT_MS = 10;

export interface ClosableService extends Service {
  /** Begins no training step for `ms`. */
  giveWay?(ms: number): void;
  /** Writes a checkpoint and releases the run. */
  close(): Promise<void>;
}

export interface EngineOptions {
  workspace: string;
  resources: string;
  importerEntry: string;
  appVersion: string;
  recover?: Recovery;
}

export interface ProcessOptions {
  env: Record<string, string | undefined>;
  link: HostLink;
  createEngine(options: EngineOptions): Promise<ClosableService>;
  exit(code: number): void;
}

/** The life of an engine process, from its environment to its exit code; serves every window. */
export async function runProcess({ env, link, createEngine, exit }: ProcessOptions): Promise<void> {
  const beat = setInterval(() => link.send({ type: 'heartbeat' }), HEARTBEAT_MS);
  link.send({ type: 'heartbeat' });
  const windows: Transport[] = [];
  link.onWindow((transport) => windows.push(transport));
  let log: Log | undefined;
  let service: ClosableService | undefined;
  let giveBack: (() => void) | undefined;
  let ending = false;

  const end = async (why: string, graceMs: number): Promise<void> => {
    if (ending) return;
    ending = true;
    log?.info(`ends: ${why}`);
    const late = setTimeout(() => {
      log?.info(`did not close within ${graceMs} ms`);
      exit(1);
    }, graceMs);
    try {
      await service?.close();
      clearTimeout(late);
      clearInterval(beat);
      giveBack?.();
      exit(0);
    } catch (thrown) {
      log?.error('could not close', thrown);
      exit(1);
    }
  };
  link.onStop(() => void end('the host asks', GRACE_MS.stop));
  link.onGone(() => void end('the host has gone', GRACE_MS.orphan));
  process.once('SIGTERM', () => void end('SIGTERM', GRACE_MS.stop));
  // A terminal's Ctrl+C reaches the whole group; the host decides and asks.
  process.on('SIGINT', () => log?.info('SIGINT: left to the host'));

  try {
    const options = readEnv(env);
    log = openLog(join(options.workspace, 'logs'));
    const crash = (thrown: unknown): void => {
      log?.error('uncaught', thrown);
      exit(1);
    };
    process.on('uncaughtException', crash);
    process.on('unhandledRejection', crash);
    giveBack = await lockWorkspace(options.workspace);
    log.info(`starts, version ${options.appVersion}${after(options.recover)}`);
    service = await createEngine(options);
  } catch (thrown) {
    const error = AppError.from(thrown);
    log?.error('cannot start', thrown);
    // What we have words for will be no different next time; a bug may be.
    if (error.code !== 'internal') link.send({ type: 'failed', error: error.toBody() });
    // Lets the message go out first.
    setTimeout(() => exit(1), 50);
    return;
  }
  if (ending) return void service.close();
  const ready = service;
  const timers = inSlots(systemTimers, SLOT_MS);
  const attach = (transport: Transport): void => {
    serve(ready, transport, {
      timers,
      report: (error) => {
        if (error.code === 'internal') log?.error('answered with an internal error', error);
      },
    });
  };
  const way = new Way((ms) => ready.giveWay?.(ms));
  link.onWindow((transport) => {
    attach(transport);
    way.connected();
  });
  link.onLoading(() => way.loading());
  for (const transport of windows.splice(0)) attach(transport);
  link.send({ type: 'ready' });
}

function readEnv(env: ProcessOptions['env']): EngineOptions {
  const need = (name: string): string => {
    const value = env[name];
    if (value) return value;
    throw new AppError('bad_config', `The engine process was started without ${name}.`);
  };
  return {
    workspace: need('PROTODIFF_WORKSPACE'),
    resources: need('PROTODIFF_RESOURCES'),
    importerEntry: need('PROTODIFF_IMPORTER'),
    appVersion: env.PROTODIFF_VERSION ?? 'unknown',
    ...(env.PROTODIFF_RECOVER ? { recover: JSON.parse(env.PROTODIFF_RECOVER) as Recovery } : {}),
  };
}

const after = (recover: Recovery | undefined): string =>
  recover === undefined ? '' : `, after ${recover.pid} ended with ${recover.exit}`;
