import { describe, expect, it } from 'vitest';
import {
  bytes,
  count,
  duration,
  figure,
  fingerprint,
  millions,
  percent,
  plural,
  short,
} from './format';

describe('format', () => {
  it('writes numbers with units and a space', () => {
    expect([0, 999, 1000, 12486, 1234567.4, -250_000].map(count)).toEqual([
      '0',
      '999',
      '1,000',
      '12,486',
      '1,234,567',
      '-250,000',
    ]);
    expect([0, 999, 999_950, 2_100_000_000, 15.6e9].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 MB',
      '2.1 GB',
      '15.6 GB',
    ]);
    expect([0, 59, 59.6, 3599, 3600, 8100, 90 * 3600, 49 * 3600].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '1 h',
      '1 h',
      '2 h 15 min',
      '3 d 18 h',
      '2 d 1 h',
    ]);
    expect([0.0335, 0, 3.4, 1.2e-6, 123456, 1250, NaN, Infinity].map(figure)).toEqual([
      '0.0335',
      '0.00',
      '3.40',
      '1.2e-6',
      '1.2e+5',
      '1,250',
      '–',
      'Infinity',
    ]);
    expect([850, 1000, 3120, 12_486, 40_000, 1_500_000, 10_000_000].map(short)).toEqual([
      '850',
      '1k',
      '3.1k',
      '12k',
      '40k',
      '1.5M',
      '10M',
    ]);
    expect(millions(4_820_000)).toBe('4.82 M');
    expect(fingerprint('sha256:a41f9c02dd')).toBe('a41f·9c02');
    expect([plural(1, 'image'), plural(2, 'class', 'classes')]).toEqual(['1 image', '2 classes']);
  });

  it('writes shares as percent', () => {
    expect([0.0958, 0.41, 0.00042, 0, 1, 0.9999, NaN].map(percent)).toEqual([
      '9.6 %',
      '41.0 %',
      '0.04 %',
      '0.0 %',
      '100 %',
      '100 %',
      '–',
    ]);
  });
});
