import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { batchPairWeights } from './pairWeights';
import { allPairsLoss, bestOfKLoss, type PairLossOptions, plackettLuceLoss } from './rankingLoss';

beforeAll(async () => {
  await startDevice('cpu');
});

const K = 4;
const reward = fc.double({ min: -5, max: 5, noNaN: true });
const ranking = fc.record({
  rewards: fc.array(reward, { minLength: K, maxLength: K }),
  ranks: fc.array(fc.integer({ min: 1, max: K }), { minLength: K, maxLength: K }),
});

type Ranking = { rewards: number[]; ranks: number[] };

function lossAndGradient(rankings: Ranking[], options?: PairLossOptions): { loss: number; gradient: number[] } {
  return tf.tidy(() => {
    const weights = tf.tensor3d(
      batchPairWeights(
        rankings.map(({ ranks }) => ranks),
        K,
        'half',
      ),
      [rankings.length, K, K],
    );
    const { value, grad } = tf.valueAndGrad((r) => allPairsLoss(r as tf.Tensor2D, weights, options))(
      tf.tensor2d(rankings.map(({ rewards }) => rewards)),
    );
    return { loss: value.dataSync()[0]!, gradient: Array.from(grad.dataSync()) };
  });
}

const loss = (rankings: Ranking[], options?: PairLossOptions): number => lossAndGradient(rankings, options).loss;

describe('allPairsLoss', () => {
  it('is ln 2 for a model that cannot tell replies apart', () =>
    fc.assert(
      fc.property(ranking, reward, ({ ranks }, constant) => {
        expect(loss([{ rewards: [constant, constant, constant, constant], ranks }])).toBeCloseTo(Math.LN2, 5);
      }),
    ));

  it('does not depend on the order in which replies are listed', () =>
    fc.assert(
      fc.property(ranking, ({ rewards, ranks }) => {
        const order = [2, 0, 3, 1];
        const shuffled = { rewards: order.map((i) => rewards[i]!), ranks: order.map((i) => ranks[i]!) };
        expect(loss([shuffled])).toBeCloseTo(loss([{ rewards, ranks }]), 5);
      }),
    ));

  it('does not change when two replies of equal rank swap their rewards', () =>
    fc.assert(
      fc.property(ranking, ({ rewards, ranks }) => {
        const [a, b, ...others] = rewards;
        const tied = [ranks[0]!, ranks[0]!, ranks[2]!, ranks[3]!];
        const swapped = { rewards: [b!, a!, ...others], ranks: tied };
        expect(loss([swapped])).toBeCloseTo(loss([{ rewards, ranks: tied }]), 5);
      }),
    ));

  it('sees differences alone: a shift of all rewards changes nothing and the gradient sums to 0', () =>
    fc.assert(
      fc.property(ranking, reward, ({ rewards, ranks }, shift) => {
        const { loss: own, gradient } = lossAndGradient([{ rewards, ranks }]);
        expect(loss([{ rewards: rewards.map((r) => r + shift), ranks }])).toBeCloseTo(own, 4);
        expect(gradient.reduce((sum, g) => sum + g, 0)).toBeCloseTo(0, 5);
      }),
    ));

  it('is the mean over the rankings of a batch', () =>
    fc.assert(
      fc.property(ranking, ranking, (a, b) => {
        expect(loss([a, b])).toBeCloseTo((loss([a]) + loss([b])) / 2, 4);
      }),
    ));

  it('pushes a pair by how wrong it is: sigmoid of the worse less the better', () => {
    const { gradient } = lossAndGradient([{ rewards: [1, 3, 0, 0], ranks: [1, 2, 2, 2] }]);
    const push = (difference: number): number => 1 / (1 + Math.exp(difference)) / 6;
    expect(gradient[0]).toBeCloseTo(-push(1 - 3) - 2 * push(1 - 0), 5);
  });

  it('stays finite, with a gradient, for a pair that is hopelessly wrong', () => {
    const { loss: large, gradient } = lossAndGradient([{ rewards: [-500, 500, 0, 0], ranks: [1, 2, 2, 2] }]);
    expect(large).toBeGreaterThan(100);
    expect(gradient.every(Number.isFinite)).toBe(true);
    expect(gradient[0]).toBeLessThan(-0.1);
  });

  it('asks for a margin, and with centring pulls the sum of a pair to 0', () => {
    const pair = { rewards: [2, 1, 0, 0], ranks: [1, 2, 9, 9] };
    expect(loss([pair], { margin: 1 })).toBeGreaterThan(loss([pair]));
    const centred = lossAndGradient([{ rewards: [7, 7, 7, 7], ranks: [1, 1, 1, 1] }], { centreCoef: 0.01 });
    expect(centred.loss).toBeCloseTo(Math.LN2 + 0.01 * 14 ** 2, 4);
    for (const g of centred.gradient) expect(g).toBeGreaterThan(0);
  });
});

describe('plackettLuceLoss and bestOfKLoss', () => {
  const rewards = fc.array(reward, { minLength: K, maxLength: K });
  const plackettLuce = (r: number[]): number => tf.tidy(() => plackettLuceLoss(tf.tensor2d([r])).dataSync()[0]!);
  const onesAt = (best: number[]): tf.Tensor2D =>
    tf.tensor2d([Array.from({ length: K }, (_, k) => Number(best.includes(k)))]);
  const bestOfK = (r: number[], ...best: number[]): number =>
    tf.tidy(() => bestOfKLoss(tf.tensor2d([r]), tf.slice(onesAt(best), [0, 0], [1, r.length])).dataSync()[0]!);
  const bestOfKGradient = (r: number[], ...best: number[]): number[] =>
    tf.tidy(() => [
      ...tf
        .grad((own) => bestOfKLoss(own as tf.Tensor2D, onesAt(best)))(tf.tensor2d([r]))
        .dataSync(),
    ]);

  it('of two replies are the all-pairs loss', () =>
    fc.assert(
      fc.property(reward, reward, (better, worse) => {
        const pair = tf.tidy(
          () =>
            allPairsLoss(
              tf.tensor2d([[better, worse]]),
              tf.tensor3d(batchPairWeights([[1, 2]], 2), [1, 2, 2]),
            ).dataSync()[0]!,
        );
        expect(plackettLuce([better, worse])).toBeCloseTo(pair, 5);
        expect(bestOfK([better, worse], 0)).toBeCloseTo(pair, 5);
      }),
    ));

  it('the likelihood of all orders sums to 1', () =>
    fc.assert(
      fc.property(rewards, (r) => {
        const orders = permutations(r);
        expect(orders).toHaveLength(24);
        expect(orders.reduce((sum, order) => sum + Math.exp(-plackettLuce(order)), 0)).toBeCloseTo(1, 4);
        expect(r.reduce((sum, _, best) => sum + Math.exp(-bestOfK(r, best)), 0)).toBeCloseTo(1, 5);
      }),
      { numRuns: 20 },
    ));

  it('are ln K! and ln K for a model that cannot tell replies apart', () => {
    expect(plackettLuce([2, 2, 2, 2])).toBeCloseTo(Math.log(24), 5);
    expect(bestOfK([2, 2, 2, 2], 3)).toBeCloseTo(Math.log(4), 5);
  });

  it('do not see replies that are not there', () =>
    fc.assert(
      fc.property(rewards, ([a, b, c, d]) => {
        const present = tf.tensor2d([[1, 1, 0, 0]]);
        const all = tf.tensor2d([[a!, b!, c!, d!]]);
        const values = tf.tidy(() => [
          plackettLuceLoss(all, present).dataSync()[0]!,
          bestOfKLoss(all, onesAt([0]), present).dataSync()[0]!,
        ]) as unknown as [number, number];
        tf.dispose([present, all]);
        for (const value of values) expect(value).toBeCloseTo(plackettLuce([a!, b!]), 5);
      }),
    ));

  it('push the best reply up', () =>
    tf.tidy(() => {
      for (const gradient of [
        tf.grad((r) => plackettLuceLoss(r as tf.Tensor2D))(tf.tensor2d([[0, 1, 2, 3]])),
        tf.grad((r) => bestOfKLoss(r as tf.Tensor2D, onesAt([0])))(tf.tensor2d([[0, 1, 2, 3]])),
      ]) {
        const values = Array.from(gradient.dataSync());
        expect(values[0]).toBeLessThan(-0.5);
        expect(values.reduce((sum, g) => sum + g, 0)).toBeCloseTo(0, 5);
      }
    }));

  it('best of K with ties is the probability that one of them is the best, which pushes equals up alike', () =>
    fc.assert(
      fc.property(rewards, (r) => {
        const alone = [0, 2].map((best) => Math.exp(-bestOfK(r, best)));
        expect(Math.exp(-bestOfK(r, 0, 2))).toBeCloseTo((alone[0] as number) + (alone[1] as number), 5);
        expect(bestOfK(r, 0, 1, 2, 3)).toBeCloseTo(0, 5);
        const [first, second, third, last] = bestOfKGradient([r[0]!, r[1]!, r[0]!, r[3]!], 0, 2);
        expect(first).toBe(third);
        expect(first).toBeLessThan(0);
        for (const worse of [second, last]) expect(worse).toBeGreaterThan(0);
      }),
    ));

  it('best of K of one best reply has the gradient softmax less one there, to the bit of the plain formula', () =>
    fc.assert(
      fc.property(rewards, (r) => {
        const plain = tf.tidy(() =>
          tf.grad((own) => tf.neg(tf.sum(tf.mul(onesAt([1]), tf.logSoftmax(own as tf.Tensor2D)))))(tf.tensor2d([r])),
        );
        expect(bestOfKGradient(r, 1)).toEqual([...plain.dataSync()]);
        plain.dispose();
      }),
    ));
});

function permutations(items: number[]): number[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
