export function markFirstCurve(steps: number): void;
export function firstCurve(): Promise<number>;
export function gesture(options: {
  surface: unknown;
  kind: 'zoom' | 'pan';
  ms: number;
}): Promise<number[]>;
export function scrub(options: { slider: unknown; ms: number }): Promise<number[]>;
export function turnKnob(input: unknown, value: string): Promise<number>;
export function hide(): void;
