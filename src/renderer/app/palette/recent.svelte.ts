/** What was chosen in the palette lately, newest first; of this browser, and worth little. */
const KEY = 'protodiff.recent';
const KEPT = 6;

class Recent {
  ids = $state.raw<readonly string[]>(read());

  add(id: string): void {
    this.ids = [id, ...this.ids.filter((each) => each !== id)].slice(0, KEPT);
    globalThis.localStorage?.setItem(KEY, this.ids.join('\n'));
  }
}

function read(): string[] {
  return (globalThis.localStorage?.getItem(KEY) ?? '').split('\n').filter(Boolean).slice(0, KEPT);
}

export const recent = new Recent();
