import { expect, it } from 'vitest';
import { Tempo } from './tempo';

function begun() {
  let now = 1000;
  const tempo = new Tempo(() => now);
  return { tempo, after: (ms: number) => (now += ms) };
}

it('steps follow each other at once', () => {
  const { tempo } = begun();
  tempo.begins();
  expect(tempo.due).toBe(true);
});

it('in slow motion they begin at least so far apart, and at once when that ends', () => {
  const { tempo, after } = begun();
  tempo.slow(200);
  expect(tempo.due).toBe(true);
  tempo.begins();
  after(150);
  expect([tempo.due, tempo.remaining]).toEqual([false, 50]);
  after(50);
  expect(tempo.due).toBe(true);
  tempo.begins();
  tempo.slow(0);
  expect(tempo.due).toBe(true);
});

it('a run that waits makes as many as were asked for, and forgets the rest when it goes on', () => {
  const { tempo } = begun();
  tempo.pause(true);
  expect([tempo.due, tempo.remaining]).toEqual([false, Infinity]);
  tempo.single();
  expect(tempo.single()).toBe(2);
  tempo.begins();
  expect(tempo.due).toBe(true);
  tempo.pause(false);
  tempo.pause(true);
  expect(tempo.due).toBe(false);
});

it('none begins while a page loads; the last word on how long that is holds', () => {
  const { tempo, after } = begun();
  tempo.giveWay(1000);
  expect([tempo.givesWay, tempo.due, tempo.remaining]).toEqual([true, false, 1000]);
  after(100);
  tempo.giveWay(500);
  after(500);
  expect([tempo.givesWay, tempo.due]).toEqual([false, true]);
});
