import type { Context, Terminal } from './call';

/** For tests: keeps what is written. */
export class Paper implements Terminal {
  text = '';
  constructor(readonly columns: number | undefined = undefined) {}
  write(text: string): void {
    this.text += text;
  }
}

/** For tests: a context that writes on paper and has no engine unless one is given. */
export function fakeContext(more: Partial<Context> = {}) {
  const stdout = new Paper();
  const stderr = new Paper();
  const interrupts = new Set<() => void>();
  const context: Context = {
    stdout,
    stderr,
    env: {},
    version: '1.2.3',
    scripts: '/scripts',
    createEngine: () => Promise.reject(new Error('no engine in this test')),
    onInterrupt: (handler) => {
      interrupts.add(handler);
      return () => interrupts.delete(handler);
    },
    ...more,
  };
  const interrupt = (): void => {
    for (const handler of interrupts) handler();
  };
  return { context, stdout, stderr, interrupt, interrupts };
}
