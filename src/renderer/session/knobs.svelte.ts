import { KNOBS, KNOB_NAMES, KnobChangeSchema } from '@shared/config/knobs';
import type { KnobChange, KnobName, KnobSpec, Knobs } from '@shared/config/knobs';
import { AppError } from '@shared/errors';
import type { JournalEntry } from '@shared/protocol/contract';
import { SvelteMap } from 'svelte/reactivity';
import { count } from '../components/format';
import { knobText, plainNumber } from '../components/knob-text';

export type KnobState = 'settled' | 'pending' | 'refused' | 'disabled';

export interface KnobView {
  name: KnobName;
  spec: KnobSpec;
  state: KnobState;
  applied: number;
  requested: number;
  /** Where Reset leads: the value that the run, or the preset, began with. */
  start: number;
  /** The line under the slider. */
  line: string;
}

/** How long a slider must rest before its value is sent. */
const REST_MS = 150;

interface Request {
  value: number;
  refusal?: string;
  /** The answer has come; the journal still has to show the entry. */
  timer?: ReturnType<typeof setTimeout>;
}

/**
 * The live knobs of one run: what is applied (start values with the journal laid over), what was
 * requested, and what was refused, in words.
 */
export class KnobsController {
  private start = $state.raw<Knobs>();
  private applied = $state.raw<Partial<Knobs>>({});
  private latest = $state.raw<Partial<Record<KnobName, JournalEntry>>>({});
  private requests = new SvelteMap<KnobName, Request>();

  constructor(private readonly send: (change: KnobChange) => Promise<JournalEntry[]>) {}

  load(start: Knobs): void {
    this.start = start;
  }

  /** Entries in order; entries already seen do no harm. */
  record(entries: readonly JournalEntry[]): void {
    const applied = { ...this.applied };
    const latest = { ...this.latest };
    for (const entry of entries) {
      if ((latest[entry.knob]?.seq ?? -1) >= entry.seq) continue;
      latest[entry.knob] = entry;
      applied[entry.knob] = entry.value;
      const request = this.requests.get(entry.knob);
      if (request?.value === entry.value && !request.timer) this.requests.delete(entry.knob);
    }
    this.applied = applied;
    this.latest = latest;
  }

  forget(): void {
    this.applied = {};
    this.latest = {};
  }

  /** The knobs as rows, or none before the run is loaded. `live`: the run takes changes. */
  view(live: boolean): KnobView[] {
    const start = this.start;
    if (!start) return [];
    return KNOB_NAMES.map((name) => {
      // What was still asked for, or refused, is void when the run no longer takes changes.
      const request = live ? this.requests.get(name) : undefined;
      const applied = this.applied[name] ?? start[name];
      const state = !live
        ? 'disabled'
        : request === undefined
          ? 'settled'
          : request.refusal === undefined
            ? 'pending'
            : 'refused';
      return {
        name,
        spec: KNOBS[name],
        state,
        applied,
        requested: request?.value ?? applied,
        start: start[name],
        line: this.line(name, applied, request),
      };
    });
  }

  private line(name: KnobName, applied: number, request: Request | undefined): string {
    if (request?.refusal !== undefined) return request.refusal;
    if (request) {
      return `applied ${knobText(name, applied)}, requested ${knobText(name, request.value)}: next step`;
    }
    const entry = this.latest[name];
    if (!entry) return 'as the run began';
    return `applied at step ${count(entry.applied_at_step)}, was ${knobText(name, entry.previous)}`;
  }

  /** @param settle  send at once (a released slider, a typed number) instead of after a rest */
  set(name: KnobName, value: number, settle: boolean): void {
    const pending = this.requests.get(name);
    if (pending?.timer) clearTimeout(pending.timer);
    if (!KnobChangeSchema.safeParse({ [name]: value }).success) {
      this.requests.set(name, { value, refusal: refusal(name, value) });
      return;
    }
    if (value === (this.applied[name] ?? this.start?.[name])) {
      this.requests.delete(name);
      return;
    }
    if (settle) {
      void this.flush(name, value);
    } else {
      const timer = setTimeout(() => void this.flush(name, value), REST_MS);
      this.requests.set(name, { value, timer });
    }
  }

  private async flush(name: KnobName, value: number): Promise<void> {
    this.requests.set(name, { value });
    try {
      const entries = await this.send({ [name]: value });
      this.record(entries);
      if (this.isStill(name, value)) this.requests.delete(name);
    } catch (thrown) {
      const { message } = AppError.from(thrown);
      if (this.isStill(name, value)) this.requests.set(name, { value, refusal: message });
    }
  }

  private isStill(name: KnobName, value: number): boolean {
    const request = this.requests.get(name);
    return request?.value === value && request.timer === undefined;
  }
}

export function refusal(name: KnobName, value: number): string {
  const spec: KnobSpec = KNOBS[name];
  const range = `${plainNumber(spec.min)} to ${plainNumber(spec.max)}`;
  if (!Number.isFinite(value)) return `not a number: choose from ${range}`;
  if (spec.integer && !Number.isInteger(value)) return `whole numbers only, from ${range}`;
  return `${plainNumber(value)} is outside ${range}`;
}
