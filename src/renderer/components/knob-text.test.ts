import { KNOBS, KNOB_NAMES, KnobsSchema, DEFAULT_KNOBS } from '@shared/config/knobs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromSlider, knobText, parseNumber, toSlider } from './knob-text';

describe('knob sliders', () => {
  it.each(KNOB_NAMES)('%s: every place gives an allowed value that comes back near it', (name) => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (place) => {
        const value = fromSlider(name, place);
        expect(KnobsSchema.safeParse({ ...DEFAULT_KNOBS, [name]: value }).success).toBe(true);
        expect(Math.abs(toSlider(name, value) - place)).toBeLessThan(0.06);
      }),
    );
  });

  it.each(KNOB_NAMES)('%s: the ends are the range', (name) => {
    expect(fromSlider(name, 0)).toBe(KNOBS[name].min);
    expect(fromSlider(name, 1)).toBe(KNOBS[name].max);
    expect(toSlider(name, -1e9)).toBeCloseTo(0, 9);
    expect(toSlider(name, 1e9)).toBeCloseTo(1, 9);
  });
});

describe('knob text', () => {
  it('reads back what it writes, and what people type', () => {
    for (const name of KNOB_NAMES) {
      expect(parseNumber(knobText(name, KNOBS[name].default))).toBe(KNOBS[name].default);
    }
    expect(parseNumber(' 5,000 ')).toBe(5000);
    expect(parseNumber('2e-4')).toBe(0.0002);
    expect(parseNumber('')).toBeNaN();
    expect(parseNumber('fast')).toBeNaN();
  });

  it('never shows a small number as nothing', () => {
    expect(knobText('alpha', 0.0002)).toBe('2.0e-4');
    expect(knobText('alpha', 0)).toBe('0.000');
  });
});
