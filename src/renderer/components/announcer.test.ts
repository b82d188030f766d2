import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Announcer, SPOKEN } from './announcer.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('says one thing in five seconds, in order, and each waiting thing once', () => {
  const voice = new Announcer();
  voice.say('a');
  voice.say('b');
  voice.say('b');
  voice.say('c');
  const heard = [voice.said];
  for (let i = 0; i < 3; i++) {
    vi.advanceTimersByTime(SPOKEN - 1);
    expect(voice.said).toBe(heard.at(-1));
    vi.advanceTimersByTime(1);
    heard.push(voice.said);
  }
  expect(heard).toEqual(['a', 'b', 'c', '']);
});

it('leaves out what is over before its turn, and says the same again after a rest', () => {
  const voice = new Announcer();
  voice.say('a');
  voice.say('b')();
  vi.advanceTimersByTime(SPOKEN);
  expect(voice.said).toBe('');
  voice.say('a');
  expect(voice.said).toBe('a');
});
