import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { exactKl, k1, k2, k3, sequenceKl } from './kl';

beforeAll(async () => {
  await startDevice('cpu');
});

type Estimator = typeof k1;

const logProb = fc.double({ min: -8, max: 0, noNaN: true });
const twoRows = fc.array(fc.tuple(logProb, logProb), { minLength: 1, maxLength: 12 });
const row = (values: number[]): tf.Tensor2D => tf.tensor2d([values]);

function estimate(estimator: Estimator, pairs: [number, number][], mask?: number[]): Float32Array {
  return tf.tidy(() => {
    const [logProbs, refLogProbs] = [row(pairs.map(([own]) => own)), row(pairs.map(([, ref]) => ref))];
    return estimator(logProbs, refLogProbs, mask ? row(mask) : tf.onesLike(logProbs)).dataSync<'float32'>();
  });
}

/**
 * A toy policy over five tokens, enumerated: the expectation of an estimator under the policy, and its gradient by the
 * logits when the samples are held fixed, as in training.
 */
const LOGITS = [0.3, -1.2, 0.9, 0.1, -0.4];
const REF_LOGITS = [-0.5, 0.4, 0.7, -1, 0.2];

function expectation(estimator: Estimator): number {
  return tf.tidy(() => weighted(estimator)(tf.tensor1d(LOGITS)).dataSync<'float32'>()[0]!);
}

function weighted(estimator: Estimator): (logits: tf.Tensor) => tf.Scalar {
  const sampledFrom = tf.softmax(tf.tensor2d([LOGITS]));
  const refLogProbs = tf.logSoftmax(tf.tensor2d([REF_LOGITS]));
  return (logits) => {
    const logProbs = tf.logSoftmax(tf.reshape(logits, [1, 5]));
    return tf.sum(tf.mul(sampledFrom, estimator(logProbs as tf.Tensor2D, refLogProbs, tf.onesLike(refLogProbs))));
  };
}

function gradient(loss: (logits: tf.Tensor) => tf.Tensor): number[] {
  return tf.tidy(() => Array.from(tf.grad(loss)(tf.tensor1d(LOGITS)).dataSync<'float32'>()));
}

const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>): void =>
  Array.from(expected).forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 5));

describe('the estimators of one token', () => {
  it('k3 and k2 are never negative', () =>
    fc.assert(
      fc.property(twoRows, (pairs) => {
        // k3 is a difference: its last float32 digit may fall below 0.
        for (const value of estimate(k3, pairs)) expect(value).toBeGreaterThanOrEqual(-1e-6);
        for (const value of estimate(k2, pairs)) expect(value).toBeGreaterThanOrEqual(0);
      }),
    ));

  it('k3 keeps its digits where the policies nearly agree', () => {
    const d = 2 ** -10;
    expect(estimate(k3, [[-1 + d, -1]])[0]! / (d ** 2 / 2 - d ** 3 / 6)).toBeCloseTo(1, 3);
  });

  it('are 0 outside the mask, however wild the padding', () =>
    fc.assert(
      fc.property(twoRows, (pairs) => {
        const mask = pairs.map((_, i) => i % 2);
        const wild = pairs.map(([own, ref], i): [number, number] => (i % 2 ? [own, ref] : [-1e6, 1e6]));
        for (const estimator of [k1, k2, k3]) {
          const clean = estimate(estimator, pairs, mask);
          expectClose(estimate(estimator, wild, mask), clean);
          clean.forEach((value, i) => i % 2 === 0 && expect(value).toBeCloseTo(0, 10));
        }
      }),
    ));
});

describe('under the policy that samples', () => {
  const kl = (): number => tf.tidy(() => exactKl(tf.tensor1d(LOGITS), tf.tensor1d(REF_LOGITS)).dataSync()[0]!);

  it('k1 and k3 expect the exact KL', () => {
    expect(kl()).toBeGreaterThan(0.2);
    expect(expectation(k1)).toBeCloseTo(kl(), 5);
    expect(expectation(k3)).toBeCloseTo(kl(), 5);
  });

  it('as a loss, k1 has no gradient', () => expectClose(gradient(weighted(k1)), [0, 0, 0, 0, 0]));

  it('as a loss, k2 has the gradient of KL(policy, reference)', () =>
    expectClose(
      gradient(weighted(k2)),
      gradient((logits) => exactKl(logits, tf.tensor1d(REF_LOGITS))),
    ));

  it('as a loss, k3 has the gradient of KL(reference, policy)', () =>
    expectClose(
      gradient(weighted(k3)),
      gradient((logits) => exactKl(tf.tensor1d(REF_LOGITS), logits)),
    ));
});

describe('as a reward, whose gradient is that of the log-probability times it, held fixed', () => {
  const ofKl = (): number[] => gradient((logits) => exactKl(logits, tf.tensor1d(REF_LOGITS)));
  const ofReverseKl = (): number[] => gradient((logits) => exactKl(tf.tensor1d(REF_LOGITS), logits));
  /** Σ_a pi(a) k(a) ∇ log pi(a), of the policy with logits `own`. */
  const asReward = (estimator: Estimator, own = LOGITS): number[] =>
    tf.tidy(() => {
      const ref = tf.logSoftmax(tf.tensor2d([REF_LOGITS]));
      const logProbs = tf.logSoftmax(tf.tensor2d([own]));
      const paid = tf.mul(tf.exp(logProbs), estimator(logProbs, ref, tf.onesLike(ref)));
      const loss = (logits: tf.Tensor): tf.Tensor => tf.sum(tf.mul(paid, tf.logSoftmax(tf.reshape(logits, [1, 5]))));
      return [...tf.grad(loss)(tf.tensor1d(own)).dataSync<'float32'>()];
    });

  it('k1 has the gradient of KL(policy, reference)', () => expectClose(asReward(k1), ofKl()));

  it('k3 has it less the gradient of KL(reference, policy)', () => {
    const reverse = ofReverseKl();
    expectClose(
      asReward(k3),
      ofKl().map((own, i) => own - reverse[i]!),
    );
  });

  it('k2 and k3 pull by the square of a small drift, where k1 pulls by the drift', () => {
    const size = (estimator: Estimator, drift: number): number =>
      Math.hypot(
        ...asReward(
          estimator,
          REF_LOGITS.map((z, i) => z + drift * LOGITS[i]!),
        ),
      );
    expect(size(k1, 0.02) / size(k1, 0.01)).toBeCloseTo(2, 1);
    for (const estimator of [k2, k3]) expect(size(estimator, 0.02) / size(estimator, 0.01)).toBeCloseTo(4, 0);
  });
});

describe('exactKl', () => {
  const logits = fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 6, maxLength: 6 });

  it('is 0 for equal policies, above 0 for others, and blind to a shift of all logits', () =>
    fc.assert(
      fc.property(logits, logits, fc.double({ min: -5, max: 5, noNaN: true }), (own, ref, shift) =>
        tf.tidy(() => {
          const kl = (a: number[], b: number[]): number => exactKl(tf.tensor1d(a), tf.tensor1d(b)).dataSync()[0]!;
          expect(kl(own, own)).toBeCloseTo(0, 6);
          expect(kl(own, ref)).toBeGreaterThanOrEqual(-1e-6);
          expect(
            kl(
              own.map((z) => z + shift),
              ref,
            ),
          ).toBeCloseTo(kl(own, ref), 4);
        }),
      ),
    ));

  it('at a temperature is that of the divided logits, over any leading axes', () =>
    tf.tidy(() => {
      const own = tf.tensor3d([[LOGITS], [REF_LOGITS]]);
      const ref = tf.tensor3d([[REF_LOGITS], [LOGITS]]);
      const kl = exactKl(own, ref, 0.7);
      expect(kl.shape).toEqual([2, 1]);
      expectClose(kl.dataSync(), exactKl(tf.div(own, 0.7), tf.div(ref, 0.7)).dataSync());
    }));
});

describe('sequenceKl', () => {
  it('sums each response, in nats a response', () =>
    tf.tidy(() => {
      expect(
        Array.from(
          sequenceKl(
            tf.tensor2d([
              [1, 2, 0],
              [0.5, -1, 4],
            ]),
          ).dataSync(),
        ),
      ).toEqual([3, 3.5]);
    }));

  it('leaves nothing behind but its result', () => {
    const before = tf.memory().numTensors;
    const ones = tf.ones<tf.Rank.R2>([2, 3]);
    const results = [k1, k2, k3].map((estimator) => estimator(ones, ones, ones));
    const kl = exactKl(ones, ones);
    expect(tf.memory().numTensors).toBe(before + 5);
    tf.dispose([ones, kl, ...results]);
  });
});
