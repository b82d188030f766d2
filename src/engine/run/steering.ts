import { KNOB_NAMES } from '@shared/config/knobs';
import type { KnobChange } from '@shared/config/knobs';
import type { Act } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import type { ErrorCode } from '@shared/errors';
import type { ActEntry, JournalEntry } from '@shared/protocol/contract';
import { topic } from '../topics';
import type { Topics } from '../topics';
import type { Gauges } from './gauges';
import type { OpenRun } from './open';
import type { Prober } from './prober';
import { examined, operate, regrouped } from './surgery';

/** What the session does before something changes. */
export interface SteeringEvents {
  /** Records the steps that wait for it. */
  flush(): void;
  /** Writes a checkpoint where none stands at this step. */
  checkpoint(): void;
  /** Ends what uses the state as it is. */
  settle(): void;
  /** A planned act could not be done. */
  leftOut(message: string, remedy?: string): void;
}

/** Errors of an act that the bank as it is does not allow. */
const NOT_NOW: readonly ErrorCode[] = ['bad_config', 'not_found', 'wrong_state'];

/** Knob changes and acts on prototypes, a person's and those of a plan, each at a step edge. */
export class Steering {
  constructor(
    private readonly open: OpenRun,
    private readonly prober: Prober,
    private readonly gauges: Gauges,
    private readonly topics: Topics,
    private readonly clock: () => number,
    private readonly events: SteeringEvents,
  ) {}

  /** Journaled first, then in force from the next step on. */
  setKnobs(change: KnobChange): JournalEntry[] {
    this.takeOver();
    if (this.moves(change)) this.events.checkpoint();
    return this.change(change);
  }

  /** @throws AppError bad_config, not_found, wrong_state where the act cannot be done; see surgery.ts */
  operate(act: Act): ActEntry {
    this.takeOver();
    // What is refused costs no checkpoint.
    examined(this.open, act);
    this.events.checkpoint();
    return this.act(act, null);
  }

  /** Makes what a plan, or a journal that is done again, has for this edge. */
  makeDue(): void {
    const { planned, trainer } = this.open;
    if (!planned.pending(trainer.step)) return;
    // Steps that come out differently are found before what follows them is made.
    this.events.flush();
    for (const due of planned.due(trainer.step)) {
      if ('act' in due) this.actAgain(due.act, due.journaled);
      else if (!due.journaled) this.change(due.change);
      else this.open.trainer.knobs = { ...this.open.trainer.knobs, ...due.change };
    }
  }

  /** What is due here is made first; what was to be done again comes out another way now. */
  private takeOver(): void {
    this.makeDue();
    const { planned, writer, trainer } = this.open;
    if (!planned.replaying && writer.ahead <= trainer.step) return;
    this.events.flush();
    writer.rewindTo(trainer.step);
    planned.forget();
    this.open.micro.forgetAfter(trainer.step);
    this.topics.changed(topic.rewound(writer.run));
  }

  /** Not only how often pictures are made. */
  private moves(change: KnobChange): boolean {
    const { knobs } = this.open.trainer;
    return KNOB_NAMES.some(
      (knob) =>
        knob !== 'sample_every' && change[knob] !== undefined && change[knob] !== knobs[knob],
    );
  }

  private change(change: KnobChange): JournalEntry[] {
    const { trainer, writer } = this.open;
    const entries: JournalEntry[] = [];
    for (const knob of KNOB_NAMES) {
      const value = change[knob];
      const previous = trainer.knobs[knob];
      if (value === undefined || value === previous) continue;
      entries.push(
        writer.appendJournal({
          applied_at_step: trainer.step,
          knob,
          previous,
          value,
          wall: this.clock(),
        }),
      );
      trainer.knobs = { ...trainer.knobs, [knob]: value };
    }
    this.topics.changed(topic.journal(writer.run), topic.status);
    return entries;
  }

  /** What is planned may not be possible any more; what stands in the journal was. */
  private actAgain(act: Act, journaled: ActEntry | null): void {
    try {
      this.act(act, journaled);
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (journaled !== null || !NOT_NOW.includes(error.code)) throw error;
      this.events.leftOut(
        `A planned act on the prototypes was left out. ${error.message}`,
        error.remedy,
      );
    }
  }

  private act(act: Act, journaled: ActEntry | null): ActEntry {
    const { open, topics } = this;
    const past = examined(open, act);
    const edits = past.at(-1)?.edits === true;
    if (edits) this.events.settle();
    const { usage } = this.gauges;
    const theatre = { usage, wall: this.clock(), looked: () => this.prober.looked() };
    const entry = operate(open, past, theatre, journaled);
    const done = open.past.at(-1);
    if (done !== undefined && edits) {
      this.gauges.regroup(open.bank.ids.length, regrouped(done));
      this.prober.retake();
      topics.changed(topic.prototypes(open.writer.run));
    }
    topics.changed(topic.journal(open.writer.run), topic.status);
    return entry;
  }
}
