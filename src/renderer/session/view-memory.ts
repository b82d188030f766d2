/** What the window showed last: per browser or app profile, and worth nothing when it is lost. */
const KEY = 'protodiff.view';

export interface ViewMemory {
  notebook: string | null;
  run: string | null;
}

export function recall(storage: Storage | undefined): ViewMemory {
  const text = storage?.getItem(KEY) ?? null;
  const nothing: ViewMemory = { notebook: null, run: null };
  if (text === null) return nothing;
  const match = /^([^\n]*)\n([^\n]*)$/.exec(text);
  return match ? { notebook: match[1] || null, run: match[2] || null } : nothing;
}

export function remember(storage: Storage | undefined, view: ViewMemory): void {
  storage?.setItem(KEY, `${view.notebook ?? ''}\n${view.run ?? ''}`);
}
