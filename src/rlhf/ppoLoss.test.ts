import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { POLICY_STATISTICS, policyLoss, totalLoss, VALUE_STATISTICS, valueLoss } from './ppoLoss';

beforeAll(async () => {
  await startDevice('cpu');
});

const R = 4;
const cells = (min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(fc.double({ min, max, noNaN: true }), { minLength: R, maxLength: R });
const lengths = fc.integer({ min: 1, max: R });
const row = (values: number[]): tf.Tensor2D => tf.tensor2d([values]);
const maskOf = (length: number): number[] => Array.from({ length: R }, (_, t) => Number(t < length));

interface Policy {
  loss: number;
  gradient: number[];
  statistics: Record<(typeof POLICY_STATISTICS)[number], number>;
}

function policy(
  logProbs: number[],
  old: number[],
  advantages: number[],
  mask: number[],
  entropies = [0, 0, 0, 0],
): Policy {
  return tf.tidy(() => {
    let values: ArrayLike<number> = [];
    const { value, grad } = tf.valueAndGrad((x) => {
      const { loss, statistics } = policyLoss(
        x as tf.Tensor2D,
        row(entropies),
        { oldLogProbs: row(old), advantages: row(advantages), responseMask: row(mask) },
        0.2,
      );
      values = statistics.dataSync();
      return loss;
    })(row(logProbs));
    return {
      loss: value.dataSync()[0]!,
      gradient: Array.from(grad.dataSync()),
      statistics: Object.fromEntries(POLICY_STATISTICS.map((key, i) => [key, values[i]!])) as Policy['statistics'],
    };
  });
}

describe('policyLoss', () => {
  it('on the first minibatch: ratio exactly 1, nothing clipped, and the plain policy gradient -A / n', () =>
    fc.assert(
      fc.property(cells(-6, 0), cells(-3, 3), lengths, (logProbs, advantages, n) => {
        const { loss, gradient, statistics } = policy(logProbs, logProbs, advantages, maskOf(n));
        const real = advantages.slice(0, n);
        expect(loss).toBeCloseTo(-real.reduce((sum, a) => sum + a, 0) / n, 5);
        gradient.forEach((g, t) => expect(g).toBeCloseTo(t < n ? -advantages[t]! / n : 0, 5));
        expect(statistics['val/ratio_deviation']).toBe(0);
        expect(statistics['val/ratio']).toBeCloseTo(1, 6);
        expect(statistics['policy/approxkl_avg']).toBe(0);
        expect(statistics['policy/clipfrac_avg']).toBe(0);
        expect(statistics['loss/policy_avg']).toBeCloseTo(loss, 6);
      }),
    ));

  it('stops pushing once the ratio has left the clip range the way that the advantage wants, and not otherwise', () => {
    const [wantUpIsUp, wantUpIsDown, wantDownIsDown, wantDownIsUp] = [0, 1, 2, 3];
    const { gradient, statistics } = policy([-1, -2, -2, -1], [-2, -1, -1, -2], [1, 1, -1, -1], [1, 1, 1, 1]);
    expect(gradient[wantUpIsUp]).toBeCloseTo(0, 10);
    expect(gradient[wantDownIsDown]).toBeCloseTo(0, 10);
    expect(gradient[wantUpIsDown]).toBeCloseTo(-Math.exp(-1) / 4, 6);
    expect(gradient[wantDownIsUp]).toBeCloseTo(Math.exp(1) / 4, 6);
    expect(statistics['policy/clipfrac_avg']).toBe(0.5);
    expect(statistics['val/ratio_outside_clip']).toBe(1);
    expect(statistics['policy/approxkl_avg']).toBeCloseTo(0.5, 6);
    expect(statistics['val/ratio_deviation']).toBeCloseTo(Math.E - 1, 5);
  });

  it('is the largest of the two terms, a pessimistic bound on the unclipped objective', () =>
    fc.assert(
      fc.property(cells(-3, 0), cells(-3, 0), cells(-3, 3), (logProbs, old, advantages) => {
        const unclipped = logProbs.map((lp, t) => -advantages[t]! * Math.exp(lp - old[t]!));
        const { loss } = policy(logProbs, old, advantages, [1, 1, 1, 1]);
        expect(loss).toBeGreaterThanOrEqual(unclipped.reduce((sum, term) => sum + term, 0) / R - 1e-4);
      }),
    ));

  it('does not see padding, in the loss or in any statistic', () =>
    fc.assert(
      fc.property(cells(-3, 0), cells(-3, 0), cells(-3, 3), lengths, (logProbs, old, advantages, n) => {
        const mask = maskOf(n);
        const wild = (values: number[], noise: number): number[] => values.map((v, t) => (t < n ? v : noise));
        const entropies = wild([0.5, 1, 1.5, 2], 0);
        const clean = policy(wild(logProbs, 0), wild(old, 0), wild(advantages, 0), mask, entropies);
        const noisy = policy(wild(logProbs, 5e5), wild(old, -5e5), wild(advantages, 77), mask, wild(entropies, -9));
        expect(noisy).toEqual(clean);
        expect(clean.statistics['policy/entropy_avg']).toBeCloseTo((n + 1) / 4, 6);
      }),
    ));

  it('gives its statistics to whoever keeps them inside variableGrads, and leaves nothing else behind', () => {
    const logProbs = tf.variable(tf.fill<tf.Rank.R2>([2, R], -1));
    const ones = tf.ones<tf.Rank.R2>([2, R]);
    const minibatch = { oldLogProbs: tf.fill<tf.Rank.R2>([2, R], -1), advantages: ones, responseMask: ones };
    const before = tf.memory().numTensors;
    let kept: tf.Tensor1D | undefined;
    const { value, grads } = tf.variableGrads(() => {
      const { loss, statistics } = policyLoss(tf.mul(logProbs, 1), ones, minibatch, 0.2);
      kept = tf.keep(statistics);
      return loss;
    }, [logProbs]);
    expect(kept?.dataSync()).toEqual(Float32Array.of(-1, 0, 0, 1, 1, 0, 0));
    tf.dispose([value, grads, kept!]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([logProbs, ones, minibatch.oldLogProbs]);
  });
});

function value(
  values: number[],
  old: number[],
  returns: number[],
  mask: number[],
): { loss: number; gradient: number[]; clipFraction: number } {
  return tf.tidy(() => {
    let clipFraction = NaN;
    const result = tf.valueAndGrad((x) => {
      const { loss, statistics } = valueLoss(
        x as tf.Tensor2D,
        { oldValues: row(old), returns: row(returns), responseMask: row(mask) },
        0.2,
      );
      clipFraction = statistics.dataSync()[VALUE_STATISTICS.indexOf('val/clipfrac_avg')]!;
      return loss;
    })(row(values));
    return { loss: result.value.dataSync()[0]!, gradient: Array.from(result.grad.dataSync()), clipFraction };
  });
}

describe('valueLoss', () => {
  it('near the old values is half the mean squared error, with nothing counted as clipped', () =>
    fc.assert(
      fc.property(cells(-3, 3), cells(-0.19, 0.19), cells(-3, 3), lengths, (old, moves, returns, n) => {
        const values = old.map((v, t) => Math.fround(Math.fround(v) + moves[t]!));
        const { loss, gradient, clipFraction } = value(values, old, returns, maskOf(n));
        const errors = values.map((v, t) => (t < n ? v - returns[t]! : 0));
        expect(loss).toBeCloseTo((0.5 * errors.reduce((sum, e) => sum + e * e, 0)) / n, 4);
        gradient.forEach((g, t) => expect(g).toBeCloseTo(errors[t]! / n, 4));
        expect(clipFraction).toBe(0);
      }),
    ));

  it('does not take rounding for a clip, where values are small against their moves', () =>
    fc.assert(
      fc.property(cells(-0.01, 0.01), cells(0.05, 0.15), (values, old) => {
        expect(value(values, old, [1e-3, 1e-3, 1e-3, 1e-3], [1, 1, 1, 1]).clipFraction).toBe(0);
      }),
    ));

  it('stops pulling a value that has left the clip range towards its return', () => {
    const { gradient, clipFraction } = value([0.5, 0.5, 0, 0], [0, 0, 0, 0], [1, -1, 0, 0], [1, 1, 0, 0]);
    expect(gradient[0]).toBeCloseTo(0, 10);
    expect(gradient[1]).toBeCloseTo(1.5 / 2, 6);
    expect(clipFraction).toBe(0.5);
  });
});

describe('totalLoss', () => {
  it('adds the value loss at its weight', () => {
    const total = tf.tidy(() => totalLoss(tf.scalar(2), tf.scalar(30), 0.1).dataSync()[0]);
    expect(total).toBeCloseTo(5, 6);
  });
});
