import { describe, expect, it } from 'vitest';
import { gumbel, hash4, uniform } from './counterRandom';

describe('counterRandom', () => {
  it('gives the test vector that the shader gives too', () => {
    expect(hash4(0, 0, 0, 0)).toBe(3542436074);
    expect(hash4(1, 2, 3, 4)).toBe(45698095);
    expect(hash4(0xffffffff, 7, 0, 1023)).toBe(1650236501);
  });

  it('is uniform in (0, 1): 16 bins of 65536 draws are even to 5 standard deviations', () => {
    const bins = new Array<number>(16).fill(0);
    for (let row = 0; row < 64; row++) {
      for (let v = 0; v < 1024; v++) {
        const u = uniform(7, 3, row, v);
        expect(u > 0 && u < 1).toBe(true);
        const bin = Math.floor(u * 16);
        bins[bin] = (bins[bin] as number) + 1;
      }
    }
    const deviation = Math.sqrt((65536 / 16) * (15 / 16));
    for (const count of bins) expect(Math.abs(count - 4096)).toBeLessThan(5 * deviation);
  });

  it('has no correlation between neighbours in any of its four words', () => {
    const draws = 50_000;
    const word = [
      (i: number) => uniform(i, 0, 0, 5),
      (i: number) => uniform(7, i, 0, 5),
      (i: number) => uniform(7, 0, i, 5),
      (i: number) => uniform(7, 0, 0, i),
    ];
    for (const draw of word) {
      let sum = 0;
      for (let i = 0; i < draws; i++) sum += (draw(i) - 0.5) * (draw(i + 1) - 0.5);
      expect(Math.abs((12 * sum) / draws)).toBeLessThan(5 / Math.sqrt(draws));
    }
  });

  it("has Gumbel's mean, Euler's constant, and stays within its bounds", () => {
    let sum = 0;
    for (let v = 0; v < 100_000; v++) {
      const g = gumbel(1, 2, 3, v);
      expect(g > -2.9 && g < 16.7).toBe(true);
      sum += g;
    }
    expect(sum / 100_000).toBeCloseTo(0.5772, 1);
  });
});
