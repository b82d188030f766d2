import { bankAfter, bankOf, history, undoProblem } from '@shared/config/surgery';
import type { Act, Bank, Done } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import type { ActEntry } from '@shared/protocol/contract';

/** The acts on one run's prototypes: what was done, which prototypes there are now, and doing more. */
export class SurgeryController {
  /** In the order they were done. */
  acts = $state.raw<readonly ActEntry[]>([]);
  /** An act is on its way. */
  working = $state(false);
  /** Why the last act was refused. */
  error = $state.raw<AppError>();
  private first = $state.raw<Bank>(bankOf(0));
  readonly past: readonly Done[] = $derived(
    history(
      this.first,
      this.acts.map(({ act }) => act),
    ),
  );
  readonly bank: Bank = $derived(bankAfter(this.first, this.past));
  /** Place of the newest act that can be undone; -1 without one. */
  readonly undoable = $derived(
    this.past.reduce(
      (newest, { act }, place) =>
        act.kind !== 'undo' && undoProblem(this.past, place) === null ? place : newest,
      -1,
    ),
  );

  constructor(private readonly send: (act: Act) => Promise<ActEntry>) {}

  /** What the engine's record says: it has all of them. */
  load(first: Bank, acts: readonly ActEntry[]): void {
    this.first = first;
    this.acts = acts;
  }

  /** Entries in order; those already seen do no harm. Before the record is there they wait in it. */
  record(entries: readonly ActEntry[]): void {
    if (this.first.ids.length === 0) return;
    const last = this.acts.at(-1)?.seq ?? -1;
    const fresh = entries.filter(({ seq }) => seq > last);
    if (fresh.length > 0) this.acts = [...this.acts, ...fresh];
  }

  /** The history begins anew. */
  restart(entries: readonly ActEntry[]): void {
    if (this.first.ids.length > 0) this.acts = entries;
  }

  async operate(act: Act): Promise<void> {
    this.working = true;
    try {
      this.record([await this.send(act)]);
      this.error = undefined;
    } catch (thrown) {
      this.error = AppError.from(thrown);
    } finally {
      this.working = false;
    }
  }
}
