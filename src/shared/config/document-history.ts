/**
 * Undo and redo over whole states, oldest first. States are never changed in place, so keeping
 * them costs what differs between them.
 */
export class History<T> {
  private past: T[] = [];
  private future: T[] = [];
  private lastKey: string | undefined;

  /** @param limit  how many changes can be undone */
  constructor(private readonly limit = 200) {}

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /**
   * Before a change: keeps the state that it starts from. Changes in succession under one key, as
   * typing in one cell, are undone together.
   */
  record(before: T, key?: string): void {
    this.future = [];
    const goesOn = key !== undefined && key === this.lastKey;
    this.lastKey = key;
    if (goesOn) return;
    this.past.push(before);
    if (this.past.length > this.limit) this.past.shift();
  }

  /** The state before the last change; undefined where there is none. */
  undo(now: T): T | undefined {
    const before = this.past.pop();
    if (before === undefined) return undefined;
    this.future.push(now);
    this.lastKey = undefined;
    return before;
  }

  redo(now: T): T | undefined {
    const after = this.future.pop();
    if (after === undefined) return undefined;
    this.past.push(now);
    this.lastKey = undefined;
    return after;
  }

  /** Lays a fact (a run that was started) into every kept state: undo takes back edits, not facts. */
  amend(change: (state: T) => T): void {
    this.past = this.past.map(change);
    this.future = this.future.map(change);
  }

  clear(): void {
    this.past = [];
    this.future = [];
    this.lastKey = undefined;
  }
}
