import { describe, expect, it } from 'vitest';
import { gaussian } from './backendAgreement';
import { gelu, timesGeluSlope } from './gelu';

/** GPT-2's words for it: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))). */
const asWritten = (x: number): number => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

function valueAndSlope(x: Float32Array): [Float32Array, Float32Array] {
  const [value, slope] = [new Float32Array(x.length), new Float32Array(x.length).fill(1)];
  gelu(value, x);
  timesGeluSlope(slope, x);
  return [value, slope];
}

describe('gelu', () => {
  it('is the tanh form, and the slope is its derivative', () => {
    const x = Float32Array.from(gaussian([7, 33], 1, 2).values);
    const [value, slope] = valueAndSlope(x);
    const step = 1e-5;
    x.forEach((at, i) => {
      expect(Math.abs(value[i]! - asWritten(at))).toBeLessThan(5e-7);
      const difference = (asWritten(at + step) - asWritten(at - step)) / (2 * step);
      expect(Math.abs(slope[i]! - difference)).toBeLessThan(5e-7);
    });
  });

  it('multiplies the gradient that comes by the slope', () => {
    const [x, dx] = [Float32Array.of(-1.5, 0.5), Float32Array.of(-3, 0.25)];
    const [, slope] = valueAndSlope(x);
    timesGeluSlope(dx, x);
    expect([...dx]).toEqual([-3 * slope[0]!, 0.25 * slope[1]!].map((d) => expect.closeTo(d, 6) as number));
  });

  it('lets large numbers through, stops very negative ones, and neither overflows', () => {
    const [value, slope] = valueAndSlope(Float32Array.of(-1e4, -40, 0, 40, 1e4));
    expect([...value]).toEqual([0, 0, 0, 40, 1e4].map((y) => expect.closeTo(y, 6) as number));
    expect([...slope]).toEqual([0, 0, 0.5, 1, 1].map((s) => expect.closeTo(s, 6) as number));
  });
});
