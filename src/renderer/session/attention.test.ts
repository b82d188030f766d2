import { expect, it } from 'vitest';
import { Attention, USED_MS } from './attention';

it('tells a page in use from one that is looked at or behind others, and when it is used again', () => {
  const clock = { now: 0 };
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const attention = new Attention(
    Object.assign(page, { document }) as unknown as Window,
    () => clock.now,
  );
  let more = 0;
  attention.onMore(() => (more += 1));
  expect(attention.heed).toBe('seen');
  page.dispatchEvent(new Event('keydown'));
  page.dispatchEvent(new Event('pointermove'));
  expect([attention.heed, more]).toEqual(['used', 1]);
  clock.now = USED_MS;
  expect(attention.heed).toBe('seen');
  page.dispatchEvent(new Event('wheel'));
  expect([attention.heed, more]).toEqual(['used', 2]);
  document.visibilityState = 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
  expect(attention.heed).toBe('unseen');
  clock.now = 3 * USED_MS;
  document.visibilityState = 'visible';
  document.dispatchEvent(new Event('visibilitychange'));
  expect([attention.heed, more]).toEqual(['used', 3]);
});
