import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, RANKING_LOSSES, type RewardModelSettings } from '../config';
import { InputError, NonFiniteError } from '../errors';
import { startDevice } from '../gpu/device';
import { metricInfo } from '../metrics';
import { disposeGpt } from '../model/gpt';
import { disposeRewardModel, rewardModelFrom, type RewardModel } from '../model/rewardHead';
import { responseLogProbs } from '../model/responseLogProbs';
import { scalars } from '../model/scalarHead';
import { tinyGpt } from '../model/tinyGpt';
import {
  normaliseHead,
  rankingAccuracy,
  rankingInputs,
  rewardModelOptimiser,
  rewardModelSteps,
  scoreReplies,
  tieRule,
  type TokenisedRanking,
  trainRewardModel,
  withPairs,
} from './rewardModel';
import { allPairsLoss, pairCentre } from './rankingLoss';
import type { TrainingStep } from './trainingStep';

const PAD = 1;
const STOP = 0;
const GOOD = 7;
const SETTINGS: RewardModelSettings = {
  ...DEFAULT_SETTINGS.rewardModel,
  ...{ epochs: 6, rankingsPerStep: 4, learningRate: 0.01 },
};
const STILL: RewardModelSettings = { ...SETTINGS, epochs: 1, learningRate: 0 };

/** The more often a reply holds the token GOOD, the better it is. */
function rankings(count: number, first = 0): TokenisedRanking[] {
  return Array.from({ length: count }, (_, i) => {
    const n = i + first;
    const replies = [0, 1, 2, 3].map((goods) => {
      const words = [2 + (n % 5), 8 + ((n + goods) % 4), 9 + (n % 3)];
      for (let k = 0; k < goods; k++) words[(k + n) % 3] = GOOD;
      return [...words, STOP];
    });
    return { prompt: [2 + (n % 7), 4], replies, ranks: [4, 3, 2, 1] };
  });
}

describe.each(['cpu', 'wasm'] as const)('the reward model on %s', (backend) => {
  let model: RewardModel;
  let before = 0;
  beforeEach(async () => {
    await startDevice(backend);
    before = tf.memory().numTensors;
    const gpt = tinyGpt(51);
    model = rewardModelFrom(gpt, 3);
    disposeGpt(gpt);
  });
  afterEach(() => {
    disposeRewardModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  async function train(list: TokenisedRanking[], settings: RewardModelSettings, seed = 1): Promise<TrainingStep[]> {
    const optimiser = rewardModelOptimiser(model);
    const during = tf.memory().numTensors;
    const steps: TrainingStep[] = [];
    try {
      for await (const step of trainRewardModel(model, optimiser, list, settings, PAD, seed)) {
        steps.push(step);
        expect(tf.memory().numTensors).toBe(during);
      }
    } finally {
      optimiser.dispose();
    }
    return steps;
  }

  it('learns an order that can be learnt, also of replies that it has not seen, with every number explained', async () => {
    const steps = await train(rankings(24), SETTINGS);
    expect(steps.length).toBe(rewardModelSteps(24, SETTINGS));
    expect(steps.at(-1)?.metrics?.['accuracy']).toBe(1);
    expect(steps.at(-1)?.metrics?.['loss']).toBeLessThan(0.1);
    for (const { metrics } of steps) {
      for (const key of Object.keys(metrics ?? {})) expect(metricInfo('rewardModel', key), key).toBeDefined();
      const { min_reward: low, mean_reward: mean, max_reward: high } = metrics as Record<string, number>;
      expect((low as number) <= (mean as number) && (mean as number) <= (high as number)).toBe(true);
    }
    const heldOut = await rankingAccuracy(model, rankings(10, 1000), PAD);
    expect(heldOut.pairs).toBe(60);
    expect(heldOut.accuracy).toBeGreaterThan(0.9);
    expect(heldOut.kendallTau).toBeGreaterThan(0.8);
  });

  it('after normalising gives these replies mean 0 and deviation 1, in the order they had', async () => {
    const prompts = rankings(20).map(({ prompt }) => prompt);
    const replies = rankings(20).map(({ replies: [, second] }) => second as number[]);
    tf.tidy(() => model.bias.assign(tf.tensor1d([0.7])));
    const raw = await scoreReplies(model, prompts, replies, PAD);
    normaliseHead(model, raw);
    const scores = await scoreReplies(model, prompts, replies, PAD);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
    expect(mean).toBeCloseTo(0, 4);
    expect(Math.sqrt(variance)).toBeCloseTo(1, 4);
    const order = (values: Float32Array): number[] =>
      [...values.keys()].sort((a, b) => (values[a] as number) - (values[b] as number));
    expect(order(scores)).toEqual(order(raw));
    expect(() => normaliseHead(model, [1, 1, 1])).toThrow(InputError);
  });

  it('scores a reply by the mean of its scalars and by its log-likelihood, the same beside any others', async () => {
    const prompts = Array.from({ length: 70 }, (_, i) => new Array<number>(1 + (i % 6)).fill(2 + (i % 9)));
    const replies = Array.from({ length: 70 }, (_, i) => [...new Array<number>(i % 5).fill(3 + (i % 8)), STOP]);
    const weight = 0.3;
    tf.tidy(() => model.likelihood.assign(tf.tensor1d([weight])));
    const together = await scoreReplies(model, prompts, replies, PAD);
    expect(together.length).toBe(70);
    for (const i of [0, 4, 63, 64, 69]) {
      const [prompt, reply] = [prompts[i] as number[], replies[i] as number[]];
      const ids = tf.tensor2d([[...prompt, ...reply]], undefined, 'int32');
      const start = tf.tensor1d([0], 'int32');
      const [read, logLikelihood] = tf.tidy(() => [
        tf.mean(tf.slice(scalars(model, ids, start), [0, prompt.length], [1, reply.length])).arraySync() as number,
        tf.sum(responseLogProbs(model.trunk, ids, start, prompt.length, 1).logProbs).arraySync() as number,
      ]) as unknown as [number, number];
      tf.dispose([ids, start]);
      expect(together[i]).toBeCloseTo(read + weight * logLikelihood, 4);
    }
  });

  it('counts each ranking alike, whether it has two replies or four', async () => {
    const [four, other] = rankings(2) as [TokenisedRanking, TokenisedRanking];
    const two = { prompt: other.prompt, replies: other.replies.slice(1, 3), ranks: [2, 1] };
    const lossOf = async (list: TokenisedRanking[]): Promise<number> =>
      (await train(list, STILL))[0]?.metrics?.['loss'] as number;
    const [both, apart] = [await lossOf([four, two]), [await lossOf([four]), await lossOf([two])] as const];
    expect(both).toBeCloseTo((apart[0] + apart[1]) / 2, 5);
  });

  it.each(RANKING_LOSSES.map((name, loss) => [name, loss] as const))(
    'of a ranking teaches %s, by the loss that the scores give by hand',
    async (name, loss) => {
      const [{ prompt, replies }] = rankings(1) as [TokenisedRanking];
      const three = { prompt, replies: replies.slice(0, 3), ranks: [2, 1, 3] };
      const four = { ...(rankings(2)[1] as TokenisedRanking), ranks: [4, 2, 3, 1] };
      const margin = name === 'all pairs' ? 0.3 : 0;
      const step = (await train([three, four], { ...STILL, loss, margin }))[0];
      const byHand = await Promise.all(
        [three, four].map(async (one) => {
          const scores = await scoreReplies(
            model,
            one.replies.map(() => one.prompt),
            one.replies,
            PAD,
          );
          const best = one.ranks.map((_, place) => scores[one.ranks.indexOf(place + 1)] as number);
          const places = best.map((own, k) => Math.log(best.slice(k).reduce((sum, r) => sum + Math.exp(r), 0)) - own);
          if (name === 'best only') return places[0] as number;
          if (name === 'whole ranking') return places.reduce((sum, value) => sum + value, 0);
          const pairs = best.flatMap((own, i) =>
            best.slice(i + 1).map((other, k) => Math.log1p(Math.exp(other - own + margin * (k + 1)))),
          );
          return pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
        }),
      );
      expect(step?.metrics?.['loss']).toBeCloseTo(((byHand[0] as number) + (byHand[1] as number)) / 2, 4);
      const learnt = await train(rankings(24), { ...SETTINGS, loss });
      expect(learnt.at(-1)?.metrics?.['accuracy']).toBe(1);
    },
  );

  it.each([
    ['replies that tie count one step to the next, whatever its number', [1, 1, 3, 4], undefined, [0, 0, 1, 2]],
    ['a step that is much better counts twice', [2, 1, 4, 3], [1, 2, 1], [1, 0, 4, 3]],
  ])('asks for a margin a step, centring what the rewards are without it: %s', async (_, ranks, gaps, steps) => {
    const one = { ...(rankings(1)[0] as TokenisedRanking), ranks, ...(gaps && { gaps }) };
    tf.tidy(() => model.bias.assign(tf.tensor1d([0.9])));
    const [margin, centreCoef] = [0.3, 0.05];
    const step = (await train([one], { ...STILL, margin, centreCoef }))[0];
    const scores = await scoreReplies(model, new Array<number[]>(4).fill(one.prompt), one.replies, PAD);
    const losses = ranks.flatMap((rank, i) =>
      ranks.flatMap((other, j) => {
        if (rank >= other) return [];
        const ahead = scores[i]! - scores[j]! - margin * (steps[j]! - steps[i]!);
        return [Math.log1p(Math.exp(-ahead)) + centreCoef * (scores[i]! + scores[j]!) ** 2];
      }),
    );
    const byHand = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    expect(step?.metrics?.['loss']).toBeCloseTo(byHand, 4);
  });

  it('centred with a margin learns by the gradient of that very loss', async () => {
    const list = rankings(2).map((ranking) => ({ ...ranking, ranks: [4, 2, 2, 1], gaps: [1, 2] }));
    const [margin, centreCoef] = [0.4, 0.1];
    const rewards = tf.tensor2d([
      [0.5, -1, 2, 0.1],
      [1.5, 0.2, -0.7, 3],
    ]);
    const { steps, pairWeights } = rankingInputs(list, 4);
    const weights = tf.tensor3d(pairWeights.values, [2, 4, 4]);
    const asked = tf.tensor2d(steps.values, [2, 4]);
    const loss = (r: tf.Tensor): tf.Scalar =>
      tf.add(
        allPairsLoss(tf.add(r, tf.mul(margin, asked)), weights),
        tf.mul(centreCoef, pairCentre(r as tf.Tensor2D, weights)),
      );
    const gradient = tf.tidy(() => tf.grad(loss)(rewards).dataSync());
    const h = 1e-2;
    const values = [...rewards.dataSync()];
    for (const at of values.keys()) {
      const moved = (by: number): number =>
        tf.tidy(
          () =>
            loss(
              tf.tensor2d(
                values.map((value, i) => value + (i === at ? by : 0)),
                [2, 4],
              ),
            ).dataSync()[0]!,
        );
      expect(gradient[at]).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 3);
    }
    tf.dispose([rewards, weights, asked]);
  });

  it('at a margin of 0 learns the same, however strong preferences are', async () => {
    const list = rankings(4);
    const lossOf = async (of: TokenisedRanking[]): Promise<unknown> => (await train(of, STILL))[0]?.metrics?.['loss'];
    expect(await lossOf(list.map((ranking) => ({ ...ranking, gaps: [2, 2, 1] })))).toBe(await lossOf(list));
  });

  it('learns from a tie that both replies are equally good, where ties count, and nothing otherwise', async () => {
    const tied = rankings(8).map((ranking) => ({ ...ranking, ranks: [1, 1, 1, 1] }));
    expect(withPairs(tied)).toEqual([]);
    expect(withPairs(tied, 'half')).toEqual(tied);
    const spread = async (): Promise<number> => {
      const scores = await scoreReplies(model, new Array<number[]>(4).fill([2, 4]), rankings(1)[0]!.replies, PAD);
      return Math.max(...scores) - Math.min(...scores);
    };
    await train(rankings(24), SETTINGS);
    const before = await spread();
    await train(tied, { ...SETTINGS, ties: 1 });
    expect(await spread()).toBeLessThan(0.5 * before);
  });

  it('of replies that tie for the best, pushes none below another, in whatever order they are listed', async () => {
    const best = RANKING_LOSSES.indexOf('best only');
    const [{ prompt, replies }] = rankings(1) as [TokenisedRanking];
    const tied = { prompt, replies, ranks: [1, 3, 1, 4] };
    const shuffled = { prompt, replies: replies.toReversed(), ranks: [4, 1, 3, 1] };
    const scores = await scoreReplies(model, new Array<number[]>(4).fill(prompt), replies, PAD);
    const likelihood = [...scores].map(Math.exp);
    const total = likelihood.reduce((sum, own) => sum + own, 0);
    for (const one of [tied, shuffled]) {
      const step = (await train([one], { ...STILL, loss: best }))[0];
      expect(step?.metrics?.['loss']).toBeCloseTo(-Math.log((likelihood[0]! + likelihood[2]!) / total), 4);
    }
  });

  it('counts ties where every pair counts, and in no loss of a whole order', () => {
    const rules = RANKING_LOSSES.map((_, loss) => [0, 1].map((ties) => tieRule({ loss, ties })));
    expect(rules).toEqual([
      ['drop', 'half'],
      ['drop', 'drop'],
      ['drop', 'drop'],
    ]);
  });

  it('stops with an error where the loss is not a number', async () => {
    tf.tidy(() => model.bias.assign(tf.tensor1d([NaN])));
    await expect(train(rankings(4), STILL)).rejects.toThrow(NonFiniteError);
  });

  it('with the same seed gets the same weights', async () => {
    const start = [...model.weight.dataSync()];
    await train(rankings(6), { ...SETTINGS, epochs: 1, rankingsPerStep: 2 }, 9);
    const first = [...model.weight.dataSync()];
    disposeRewardModel(model);
    const gpt = tinyGpt(51);
    model = rewardModelFrom(gpt, 3);
    disposeGpt(gpt);
    expect([...model.weight.dataSync()]).toEqual(start);
    await train(rankings(6), { ...SETTINGS, epochs: 1, rankingsPerStep: 2 }, 9);
    expect([...model.weight.dataSync()]).toEqual(first);
  });
});

describe('withPairs', () => {
  it('keeps the rankings that say that something is better than something', () => {
    const ranking = (ranks: number[]): TokenisedRanking => ({ prompt: [2], replies: ranks.map(() => [STOP]), ranks });
    const list = [ranking([1, 1]), ranking([1, 2]), ranking([3, 3, 3]), ranking([2, 2, 1]), ranking([1])];
    expect(withPairs(list)).toEqual([list[1], list[3]]);
  });
});
