import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdamwStep, adamwUpdate } from './adamwUpdate';

const SETTINGS: AdamwStep = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  step: 1,
  form: 'torch',
  gradScale: 1,
};
const gradients = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 6 });

/** The parameter after steps over these gradients, from `start`. */
function run(start: number, grads: number[], changes: Partial<AdamwStep>): number {
  const [parameter, m, v] = [Float32Array.of(start), new Float32Array(1), new Float32Array(1)];
  grads.forEach((gradient, i) =>
    adamwUpdate(parameter, Float32Array.of(gradient), m, v, { ...SETTINGS, ...changes, step: i + 1 }),
  );
  return parameter[0]!;
}

describe('adamwUpdate', () => {
  it('takes a first step of the learning rate, whatever the size of the gradient', () =>
    fc.assert(
      fc.property(gradients, fc.constantFrom('torch' as const, 'tf1' as const), ([gradient], form) => {
        expect(run(0, [gradient!], { form })).toBeCloseTo(-1e-3, 6);
        expect(run(0, [-gradient!], { form })).toBeCloseTo(1e-3, 6);
      }),
    ));

  it('has two forms that differ in epsilon alone', () =>
    fc.assert(
      fc.property(gradients, (grads) => {
        const without = run(0, grads, { epsilon: 0, form: 'torch' });
        expect(run(0, grads, { epsilon: 0, form: 'tf1' })).toBe(without);
      }),
    ));

  it('in the tf1 form holds tiny gradients back: 288 times against epsilon 1e-7 of the torch form', () => {
    const tf1 = run(0, [1e-6], { learningRate: 1e-5, epsilon: 1e-5, form: 'tf1' });
    const torch = run(0, [1e-6], { learningRate: 1e-5, epsilon: 1e-7, form: 'torch' });
    expect(torch / tf1).toBeGreaterThan(280);
    expect(torch / tf1).toBeLessThan(295);
  });

  it('decays the parameter itself, by lr times weightDecay, not through the moments', () => {
    expect(run(2, [0, 0], { learningRate: 0.1, weightDecay: 0.5 })).toBeCloseTo(2 * 0.95 ** 2, 6);
    const decayed = run(2, [3], { weightDecay: 0.01 });
    expect(decayed).toBeCloseTo(run(2, [3], {}) - 2e-5, 6);
  });

  it('scales the gradient first, so that clipping is the same as a shorter gradient', () =>
    fc.assert(
      fc.property(gradients, (grads) => {
        const scaled = run(0.5, grads, { gradScale: 0.25, epsilon: 1e-3 });
        expect(scaled).toBeCloseTo(
          run(
            0.5,
            grads.map((gradient) => 0.25 * gradient),
            { epsilon: 1e-3 },
          ),
          7,
        );
      }),
    ));

  it('walks to the bottom of a bowl', () => {
    const [parameter, m, v] = [Float32Array.of(3, -2), new Float32Array(2), new Float32Array(2)];
    for (let step = 1; step <= 800; step++) {
      adamwUpdate(
        parameter,
        parameter.map((x, i) => (i + 1) * (x - 1)),
        m,
        v,
        { ...SETTINGS, learningRate: 0.02, step },
      );
    }
    for (const x of parameter) expect(x).toBeCloseTo(1, 2);
  });
});
