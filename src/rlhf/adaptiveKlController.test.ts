import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveKlController, FixedKlController } from './adaptiveKlController';

describe('AdaptiveKlController', () => {
  it('raises the price above the target, lowers it below, by at most a fifth of n / horizon', () =>
    fc.assert(
      fc.property(fc.double({ min: -5, max: 60, noNaN: true }), fc.integer({ min: 1, max: 512 }), (kl, n) => {
        const controller = new AdaptiveKlController(0.3, 2, 640);
        const factor = controller.update(kl, n) / 0.3;
        expect(Math.sign(factor - 1)).toBe(Math.sign(kl - 2));
        expect(Math.abs(factor - 1)).toBeLessThanOrEqual((0.2 * n) / 640 + 1e-12);
        expect(controller.klCoef / 0.3).toBe(factor);
      }),
    ));

  it('settles where drift answers price: KL = 1 / beta ends at the target', () => {
    const controller = new AdaptiveKlController(0.05, 2, 640);
    for (let update = 0; update < 2000; update++) controller.update(1 / controller.klCoef, 64);
    expect(1 / controller.klCoef).toBeCloseTo(2, 6);
  });

  it('refuses a target or a horizon of 0', () => {
    expect(() => new AdaptiveKlController(0.3, 0, 640)).toThrow('above 0');
    expect(() => new AdaptiveKlController(0.3, 2, 0)).toThrow('above 0');
  });
});

describe('FixedKlController', () => {
  it('keeps its coefficient whatever the drift', () => {
    const controller = new FixedKlController(0.3);
    expect([controller.update(), controller.klCoef]).toEqual([0.3, 0.3]);
  });
});
