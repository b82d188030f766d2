export interface Question {
  title: string;
  words: string;
  /** The button that does it. */
  act: string;
  /** Undefined where it can only be read. */
  run: (() => void) | undefined;
}

/** What lies over the window: palette, key sheet, a question. One at a time. */
export class Shell {
  over = $state.raw<
    | { what: 'palette' }
    | { what: 'add'; index: number }
    | { what: 'keys' }
    | { what: 'branch'; run: string; step: number }
    | { what: 'sweep'; train: string }
    | { what: 'question'; question: Question }
  >();

  search(): void {
    this.over = { what: 'palette' };
  }

  /** The searchable menu of new cells, for a place in the notebook. */
  add(index: number): void {
    this.over = { what: 'add', index };
  }

  showKeys(): void {
    this.over = { what: 'keys' };
  }

  /** Asks what a branch of a run from a step is to change. */
  branch(run: string, step: number): void {
    this.over = { what: 'branch', run, step };
  }

  /** Asks which settings of a train cell a sweep is over. */
  sweep(train: string): void {
    this.over = { what: 'sweep', train };
  }

  ask(question: Question): void {
    this.over = { what: 'question', question };
  }

  close(): void {
    this.over = undefined;
  }
}
