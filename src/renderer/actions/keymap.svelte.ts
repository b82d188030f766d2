import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import { getContext, setContext } from 'svelte';
import { z } from 'zod';
import { ACTIONS } from './actions';
import type { Action } from './action';

const Yours = z.record(z.string(), z.array(z.string().min(1).max(60)).max(4));

/** Which keys do what: as shipped, with a person's own laid over, kept in the workspace. */
export class Keymap {
  private yours = $state.raw<Readonly<Record<string, readonly string[]>>>({});
  /** Why the keys could not be read or kept. */
  error = $state.raw<AppError>();

  constructor(private readonly engine: Client) {}

  async load(): Promise<void> {
    try {
      const { json } = await this.engine.request('keys.read', {});
      this.yours = json === null ? {} : Yours.parse(JSON.parse(json));
    } catch (thrown) {
      this.error = new AppError('bad_config', 'Your own keys could not be read.', {
        remedy: 'The shipped ones hold. Correct or remove keys.json in the workspace.',
        cause: thrown,
      });
    }
  }

  keysOf(action: Action): readonly string[] {
    return this.yours[action.id] ?? action.keys;
  }

  isYours(action: Action): boolean {
    return this.yours[action.id] !== undefined;
  }

  /** What a binding does. */
  find(binding: string): Action | undefined {
    return ACTIONS.find((action) => this.keysOf(action).includes(binding));
  }

  /** Whether a binding goes on after this chord. */
  begins(chord: string): boolean {
    return ACTIONS.some((action) =>
      this.keysOf(action).some((binding) => binding.startsWith(`${chord} `)),
    );
  }

  /** Gives a binding to an action, and takes it from the one that had it. */
  async bind(action: Action, binding: string): Promise<void> {
    const loser = this.find(binding);
    const next: Record<string, readonly string[]> = { ...this.yours, [action.id]: [binding] };
    if (loser && loser.id !== action.id) {
      next[loser.id] = this.keysOf(loser).filter((key) => key !== binding);
    }
    await this.keep(next);
  }

  /** Back to the shipped keys; a binding that they share with another action is taken back. */
  async reset(action: Action): Promise<void> {
    const { [action.id]: _gone, ...others } = this.yours;
    const next = Object.fromEntries(
      Object.entries(others).map(([id, keys]) => [
        id,
        keys.filter((key) => !action.keys.includes(key)),
      ]),
    );
    await this.keep(next);
  }

  async resetAll(): Promise<void> {
    await this.keep({});
  }

  private async keep(next: Readonly<Record<string, readonly string[]>>): Promise<void> {
    this.yours = next;
    try {
      await this.engine.request('keys.write', { json: JSON.stringify(next, null, 2) });
      this.error = undefined;
    } catch (thrown) {
      this.error = AppError.from(thrown);
    }
  }
}

const KEY = Symbol('keymap');

export function provideKeymap(keymap: Keymap): Keymap {
  return setContext(KEY, keymap);
}

export function useKeymap(): Keymap {
  return getContext<Keymap>(KEY);
}
