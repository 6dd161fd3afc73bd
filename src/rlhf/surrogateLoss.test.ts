import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { batchTensors, padBatch } from '../model/batch';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { gradientsOf } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { tinyGpt } from '../model/tinyGpt';
import { exactKlOfTokens, logProbsAndEntropies, responseLogits } from './nextTokenDistributions';
import { policyLoss } from './ppoLoss';
import { type KlLoss, surrogateLoss, type SurrogateOptions, tokenWeights } from './surrogateLoss';
import { LANGUAGE, logLikelihoods, PAD, PROMPT, REPLIES } from './tinyLanguage';

const OPTIONS: SurrogateOptions = {
  ratioOf: 'token',
  clipRange: 0.2,
  clipRangeHigh: 0.2,
  klLoss: 'none',
  klLossCoef: 1,
  entropyCoef: 0,
};

beforeAll(async () => {
  await startDevice('wasm');
});

describe('what a token counts', () => {
  const MASKS = fc
    .array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 9 })
    .map((lengths) => Float32Array.from(lengths.flatMap((n) => Array.from({ length: 7 }, (_, t) => (t < n ? 1 : 0)))));
  const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);

  it('sums to 1 over tokens or replies, and to the share of the longest length that is used where length is constant', () =>
    fc.assert(
      fc.property(MASKS, (mask) => {
        expect(sum(tokenWeights(mask, 7, 'tokens', 7))).toBeCloseTo(1, 5);
        expect(sum(tokenWeights(mask, 7, 'replies', 7))).toBeCloseTo(1, 5);
        expect(sum(tokenWeights(mask, 7, 'constant', 7))).toBeCloseTo(sum(mask) / mask.length, 5);
      }),
    ));

  it('is the same for every token, or for every reply', () => {
    const mask = Float32Array.from([1, 0, 0, 1, 1, 1]);
    expect([...tokenWeights(mask, 3, 'tokens', 3)]).toEqual([0.25, 0, 0, 0.25, 0.25, 0.25]);
    const replies = [...tokenWeights(mask, 3, 'replies', 3)];
    [1 / 2, 0, 0, 1 / 6, 1 / 6, 1 / 6].forEach((expected, i) => expect(replies[i]).toBeCloseTo(expected, 6));
  });
});

describe('the surrogate', () => {
  it('is PPO where all tokens count alike', () => {
    const random = (seed: number): tf.Tensor2D => tf.randomUniform([3, 5], -1, 1, 'float32', seed);
    const responseMask = tf.tensor2d([1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0], [3, 5]);
    const given = { oldLogProbs: random(1), refLogProbs: random(2), advantages: random(3), responseMask };
    const [logProbs, entropies] = [random(4), random(5)];
    const weights = tf.tensor2d(tokenWeights(responseMask.dataSync<'float32'>(), 5, 'tokens', 5), [3, 5]);
    const ours = tf.valueAndGrad(
      (own) => surrogateLoss({ logProbs: own as tf.Tensor2D, entropies }, { ...given, weights }, OPTIONS).loss,
    )(logProbs);
    const ppo = tf.valueAndGrad((own) => policyLoss(own as tf.Tensor2D, entropies, given, 0.2).loss)(logProbs);
    expect(ours.value.dataSync()[0]).toBeCloseTo(ppo.value.dataSync()[0] as number, 6);
    const expected = ppo.grad.dataSync();
    ours.grad.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 6));
    const said = surrogateLoss({ logProbs, entropies }, { ...given, weights }, OPTIONS).statistics.dataSync();
    policyLoss(logProbs, entropies, given, 0.2)
      .statistics.dataSync()
      .forEach((value, i) => expect(said[i]).toBeCloseTo(value, 5));
  });

  it.each([1, 2, 3])(
    'has the gradient of Σ A log pi where the ratio is of whole replies and still 1 (seed %i)',
    (seed) => {
      const logProbs = tf.randomUniform<tf.Rank.R2>([4, 3], -2, 0, 'float32', seed);
      const rewards = tf.randomUniform([4, 1], -1, 1, 'float32', seed + 9);
      const advantages: tf.Tensor2D = tf.mul(rewards, tf.ones([4, 3]));
      const responseMask = tf.tensor2d([1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1], [4, 3]);
      const weights = tf.tensor2d(tokenWeights(responseMask.dataSync<'float32'>(), 3, 'replies', 3), [4, 3]);
      const oldLogProbs: tf.Tensor2D = tf.add(logProbs, 0); // a tensor of its own, which is not differentiated by
      const given = { oldLogProbs, refLogProbs: oldLogProbs, advantages, weights, responseMask };
      const grad = tf.grad(
        (own) =>
          surrogateLoss({ logProbs: own as tf.Tensor2D, entropies: own as tf.Tensor2D }, given, {
            ...OPTIONS,
            ratioOf: 'reply',
          }).loss,
      )(logProbs);
      const expected = tf.div(tf.neg(tf.mul(advantages, responseMask)), 4).dataSync();
      grad.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 6));
    },
  );
});

/** Every reply, weighted by its probability: expectations without chance. */
describe('a KL as a loss, in expectation', () => {
  let [policy, refPolicy]: Gpt[] = [];
  beforeAll(() => {
    refPolicy = tinyGpt(3, LANGUAGE);
    policy = cloneGpt(refPolicy);
    // Some way from the reference.
    for (const parameter of policy.parameters.values())
      tf.tidy(() => parameter.assign(tf.mul(parameter, tf.randomUniform(parameter.shape, 0.6, 1.4, 'float32', 5))));
    return () => {
      disposeGpt(policy as Gpt);
      disposeGpt(refPolicy as Gpt);
    };
  });

  type Drift = KlLoss | 'reversed';

  /** The gradient of E[Σ_t k_t], replies held. */
  async function gradientOf(drift: Drift): Promise<number[]> {
    const own = policy as Gpt;
    const batch = padBatch(
      REPLIES.map(() => [...PROMPT]),
      REPLIES.map((reply) => [...reply]),
      PAD,
      LANGUAGE.context,
    );
    const chances = (await logLikelihoods(own)).map(Math.exp);
    const R = batch.responseLength;
    const tensors = tf.tidy(() => {
      const { ids, start, responseMask } = batchTensors(batch);
      const weights: tf.Tensor2D = tf.mul(responseMask, tf.reshape(tf.tensor1d(chances), [-1, 1]));
      const refLogProbs = responseLogProbs(refPolicy as Gpt, ids, start, batch.promptLength, 1).logProbs;
      const refLogits = responseLogits(refPolicy as Gpt, ids, start, batch.promptLength);
      const { logProbs: oldLogProbs } = responseLogProbs(own, ids, start, batch.promptLength, 1);
      const advantages: tf.Tensor2D = tf.zeros([batch.rows, R]);
      const { gradients } = gradientsOf(own.parameters, () => {
        const logits = responseLogits(own, ids, start, batch.promptLength);
        const pass = logProbsAndEntropies(logits, ids, batch.promptLength, 1);
        if (drift === 'reversed') return tf.sum(tf.mul(weights, exactKlOfTokens(refLogits, logits, responseMask, 1)));
        const exactKl = exactKlOfTokens(logits, refLogits, responseMask, 1);
        const given = { oldLogProbs, refLogProbs, advantages, weights, responseMask };
        return surrogateLoss({ ...pass, exactKl }, given, { ...OPTIONS, klLoss: drift }).loss;
      });
      return tf.concat([...gradients.values()].map((gradient) => tf.reshape(gradient, [-1])));
    });
    const values = [...(await tensors.data())];
    tensors.dispose();
    return values;
  }

  const lengthOf = (values: number[]): number => Math.hypot(...values);
  const apart = (a: number[], b: number[]): number => lengthOf(a.map((value, i) => value - (b[i] as number)));

  it('has no gradient as k1', async () => {
    expect(lengthOf(await gradientOf('k1'))).toBeLessThan(1e-3 * lengthOf(await gradientOf('exact')));
  });

  it('has that of KL(pi ‖ piRef) as k2, and as the exact KL', async () => {
    const [sampled, exact] = [await gradientOf('k2'), await gradientOf('exact')];
    expect(lengthOf(exact)).toBeGreaterThan(0.1);
    expect(apart(sampled, exact)).toBeLessThan(1e-3 * lengthOf(exact));
  });

  it('has that of KL(piRef ‖ pi) as k3, which is another', async () => {
    const [sampled, reversed, exact] = [
      await gradientOf('k3'),
      await gradientOf('reversed'),
      await gradientOf('exact'),
    ];
    expect(apart(sampled, reversed)).toBeLessThan(1e-3 * lengthOf(reversed));
    expect(apart(reversed, exact)).toBeGreaterThan(0.05 * lengthOf(exact));
  });
});
