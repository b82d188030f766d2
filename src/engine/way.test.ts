import { describe, expect, it } from 'vitest';
import { Way } from './way';

function opened() {
  const gave: number[] = [];
  let now = 0;
  const way = new Way(
    (ms) => gave.push(ms),
    () => now,
  );
  return { way, gave, at: (ms: number) => (now = ms) };
}

describe('way is given to a page that loads', () => {
  it('for a second, or for half of one from when it asks', () => {
    const { way, gave, at } = opened();
    way.loading();
    expect(gave).toEqual([1000]);
    at(400);
    way.connected();
    expect(gave).toEqual([1000, 500]);
  });

  it('that is loaded again at once, as a person may', () => {
    const { way, gave, at } = opened();
    way.loading();
    at(2000);
    way.loading();
    at(2300);
    way.connected();
    expect(gave).toEqual([1000, 1000, 500]);
  });

  it('but not to one that is loaded over and over', () => {
    const { way, gave, at } = opened();
    let loads = 0;
    for (let ms = 0; ms < 300_000; ms += 1000) {
      at(ms);
      way.loading();
      at(ms + 999);
      way.connected();
      loads += 1;
    }
    expect(loads).toBe(300);
    expect(gave.filter((ms) => ms === 1000)).toHaveLength(30);
    expect(gave).toHaveLength(60);
  });

  it('nor to a window that connects when no page was loading', () => {
    const { way, gave, at } = opened();
    way.connected();
    way.loading();
    at(1500);
    way.connected();
    expect(gave).toEqual([1000]);
  });
});
