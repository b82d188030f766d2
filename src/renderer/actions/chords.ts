/**
 * A chord as text: modifiers, then the key, as `Mod+Shift+R`, `D`, `ArrowDown`, `Space`. `Mod` is
 * Ctrl, or Cmd on a Mac. A binding is one chord, or two in succession: `D D`.
 */
export function chordOf(event: KeyboardEvent, mac: boolean): string | undefined {
  const { key } = event;
  if (['Control', 'Shift', 'Alt', 'Meta', 'Dead', 'Process', 'Unidentified'].includes(key)) {
    return undefined;
  }
  const mod = mac ? event.metaKey : event.ctrlKey;
  const other = mac ? event.ctrlKey : event.metaKey;
  const letter = key === ' ' ? 'Space' : key.length === 1 ? key.toUpperCase() : key;
  // Shift is part of a sign such as "?", but of a letter or a named key it is said.
  const shift = event.shiftKey && (letter.length > 1 || /\p{L}|\d/u.test(letter));
  return [
    mod ? 'Mod' : '',
    other ? (mac ? 'Ctrl' : 'Meta') : '',
    event.altKey ? 'Alt' : '',
    shift ? 'Shift' : '',
    letter,
  ]
    .filter((part) => part !== '')
    .join('+');
}

/** A second chord of a sequence must follow within this time, ms. */
const SEQUENCE_MS = 900;

/** Joins chords in succession into sequences that something is bound to. */
export class Sequence {
  private pending: string | undefined;
  private since = 0;

  /** @param begins  whether a binding goes on after this chord  @returns the binding to look up */
  take(chord: string, now: number, begins: (chord: string) => boolean): string[] {
    const before = now - this.since <= SEQUENCE_MS ? this.pending : undefined;
    this.pending = begins(chord) ? chord : undefined;
    this.since = now;
    return before === undefined ? [chord] : [`${before} ${chord}`, chord];
  }

  clear(): void {
    this.pending = undefined;
  }
}

const CAPS: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
};

/** A binding as key caps: one list a chord. */
export function capsOf(binding: string, mac: boolean): string[] {
  return binding
    .split(' ')
    .flatMap((chord) => chord.split(/\+(?=.)/))
    .map((part) => (part === 'Mod' ? (mac ? '⌘' : 'Ctrl') : (CAPS[part] ?? part)));
}

/** Where a key press happens, which decides whose it is. */
export type Place = 'overlay' | 'text' | 'control' | 'page';

export function placeOf(target: EventTarget | null): Place {
  if (!(target instanceof Element)) return 'page';
  if (target.closest('dialog, [role="dialog"], [role="menu"], [role="listbox"]')) return 'overlay';
  const field = target.closest('input, textarea, select, [contenteditable="true"]');
  if (field) {
    const type = field instanceof HTMLInputElement ? field.type : 'text';
    return ['checkbox', 'radio', 'range', 'button'].includes(type) ? 'control' : 'text';
  }
  return target.closest('button, a, summary, [role="button"], [role="slider"]')
    ? 'control'
    : 'page';
}

/** Keys that a button, slider or grid uses itself. */
export function belongsToControl(chord: string): boolean {
  return (
    /^(Shift\+)?(Enter|Space|Arrow\w+|Home|End|PageUp|PageDown)$/.test(chord) &&
    chord !== 'Shift+Enter'
  );
}
