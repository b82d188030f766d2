import { ndarray } from '@shared/maths/ndarray';
import { describe, expect, it } from 'vitest';
import { CurvesBuffer } from '../../session/curves-buffer';
import { csvOf } from './csv';

const buffer = (): CurvesBuffer => {
  const curves = new CurvesBuffer();
  curves.append({
    run: 'r',
    restart: false,
    keys: ['train/loss', 'train/lr'],
    step: ndarray(Float64Array.of(1, 2), [2]),
    wall: ndarray(Float64Array.of(1000, 2000), [2]),
    active: ndarray(Float64Array.of(0.5, 1), [2]),
    values: ndarray(Float64Array.of(0.1, 1e-4, NaN, 2e-7), [2, 2]),
  });
  return curves;
};

describe('csvOf', () => {
  it('writes every row whole, empty where nothing was measured', () => {
    expect(csvOf([{ run: 'r', curves: buffer() }])).toBe(
      'step,wall,active,train/loss,train/lr\n1,1000,0.5,0.1,0.0001\n2,2000,1,,2e-7\n',
    );
  });

  it('names the run of a row where there are several', () => {
    const lines = csvOf([
      { run: 'a', curves: buffer() },
      { run: 'b', curves: buffer() },
    ]).split('\n');
    expect(lines[0]).toBe('run,step,wall,active,train/loss,train/lr');
    expect(lines.slice(1, 4).map((line) => line.slice(0, 3))).toEqual(['a,1', 'a,2', 'b,1']);
  });
});

describe('the axes that are counted', () => {
  it('are images and epochs, one after the other', () => {
    const curves = buffer();
    expect([...curves.axis({ axis: 'images', batch: 32, images: 640 })]).toEqual([32, 64]);
    expect([...curves.axis({ axis: 'epoch', batch: 32, images: 640 })]).toEqual([0.05, 0.1]);
    expect([...curves.axis({ axis: 'images', batch: 32, images: 640 })]).toEqual([32, 64]);
  });
});
