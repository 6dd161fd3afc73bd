/**
 * A rule model beside the preference model: how likely a reply is to keep a rule, learnt from replies that were flagged.
 * Sparrow (Glaese et al. 2022, arXiv:2209.14375), section 3.4.
 *
 *   L = -1/N Σ_i log sigmoid(t_i z_i),   t = 1 where reply i keeps the rule, -1 where it breaks it
 *
 * z is the score of a model of the reward model's form, P(keeps) = sigmoid(z). What a policy is paid by it is
 * log P(keeps): nothing where the rule is kept for certain, and the more the surer it is that it was broken, so that no
 * preference outweighs it.
 *
 * Our deviation: Sparrow shows the model each of 23 rules in words and learns from flags of each; a model of this size
 * reads no rules, so there is one flag for all.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { RewardModelSettings } from '../config';
import { NonFiniteError } from '../errors';
import { type HostTensor, Step } from '../gpu/step';
import { batchInputs, type BatchInput } from '../model/batch';
import { lossGradients } from '../model/lossGradients';
import { replyScores, rewardParameters, type RewardModel } from '../model/rewardHead';
import type { AdamW } from '../ops/adamw';
import { permutation } from '../ops/counterRandom';
import { allPairsLoss } from './rankingLoss';
import { poolingWeights, rankingBatch, scoreReplies, type TokenisedRanking } from './rewardModel';
import { linearToZero } from './schedule';
import type { Scorer } from './scorer';
import type { TrainingStep } from './trainingStep';

/** A ranking whose replies were looked at for breaches as well. */
export interface FlaggedReplies extends TokenisedRanking {
  /** [K] whether a reply breaks the rule */
  violations: readonly boolean[];
}

/** Those that were flagged. */
export const flagged = (rankings: readonly TokenisedRanking[]): FlaggedReplies[] =>
  rankings.filter((ranking): ranking is FlaggedReplies => ranking.violations?.length === ranking.replies.length);

/** Whether there is both to learn from: a breach, and a reply without. */
export function canLearnRule(replies: readonly FlaggedReplies[]): boolean {
  const all = replies.flatMap(({ violations }) => violations);
  return all.includes(true) && all.includes(false);
}

/**
 * Trains `model` in place for `steps` steps, each on `rankingsPerStep` flagged rankings; yields after every step.
 * @throws NonFiniteError; the weights are then for the caller to restore
 */
export async function* trainRuleModel(
  model: RewardModel,
  optimiser: AdamW,
  replies: readonly FlaggedReplies[],
  { rankingsPerStep, learningRate }: Pick<RewardModelSettings, 'rankingsPerStep' | 'learningRate'>,
  steps: number,
  pad: number,
  seed: number,
): AsyncGenerator<TrainingStep> {
  const each = Math.min(rankingsPerStep, replies.length);
  const stepsPerEpoch = Math.ceil(replies.length / each);
  const learn = ruleModelStep(model, optimiser);
  try {
    while (optimiser.step < steps) {
      const [epoch, place] = [Math.floor(optimiser.step / stepsPerEpoch), optimiser.step % stepsPerEpoch];
      const chosen = permutation(replies.length, seed, epoch)
        .slice(place * each, (place + 1) * each)
        .map((i) => replies[i] as FlaggedReplies);
      const K = Math.max(...chosen.map((ranking) => ranking.replies.length));
      const batch = rankingBatch(chosen, K, pad, model.trunk.shape.context);
      const [scores, losses, norms] = (await learn.read({
        ...batchInputs(batch),
        pooling: poolingWeights(batch),
        wins: winsOf(chosen, K),
        numbers: { values: optimiser.advance(linearToZero(learningRate, optimiser.step, steps)), shape: [3] },
      })) as [Float32Array, Float32Array, Float32Array];
      const [loss, norm] = [losses[0] as number, norms[0] as number];
      if (!Number.isFinite(loss + norm)) throw new NonFiniteError('The loss of the rule model', optimiser.step);
      const told = chosen.flatMap(({ violations }, g) =>
        violations.map((broke, k) => scores[g * K + k]! < 0 === broke),
      );
      const metrics = { rule_loss: loss, rule_accuracy: told.filter(Boolean).length / told.length };
      yield { step: optimiser.step, steps, phase: 'learning from flags', metrics };
    }
  } finally {
    learn.dispose();
  }
}

/**
 * A reply that keeps the rule is to win over 0, one that breaks it is to lose: [N, 2, 2] weights of the pair (score, 0).
 * They are nothing where there is no reply, and sum to N.
 */
function winsOf(replies: readonly FlaggedReplies[], K: number): HostTensor {
  const N = replies.length * K;
  const count = replies.reduce((sum, { violations }) => sum + violations.length, 0);
  const values = new Float32Array(N * 4);
  replies.forEach(({ violations }, g) =>
    violations.forEach((broke, k) => (values[(g * K + k) * 4 + (broke ? 2 : 1)] = N / count)),
  );
  return { values, shape: [N, 2, 2] };
}

/** One optimiser step; gives the scores [N], the loss, and the norm of its gradient. */
function ruleModelStep(model: RewardModel, optimiser: AdamW): Step<BatchInput | 'pooling' | 'wins' | 'numbers'> {
  return new Step(
    'learning from flags',
    ({ ids, start, responseMask, pooling, wins, numbers }) => {
      const { loss, statistics, gradients } = optimiser.differentiate(() =>
        lossGradients(rewardParameters(model), () => {
          const scores = replyScores(
            model,
            ids as tf.Tensor2D,
            start as tf.Tensor1D,
            pooling as tf.Tensor2D,
            responseMask as tf.Tensor2D,
          ); // [N]
          const beside = tf.stack([scores, tf.zerosLike(scores)], 1) as tf.Tensor2D; // [N, 2]
          return { loss: allPairsLoss(beside, wins as tf.Tensor3D), statistics: scores };
        }),
      );
      return [statistics, loss, optimiser.update(gradients, numbers as tf.Tensor1D)];
    },
    () => rewardParameters(model).values(),
  );
}

/** What a policy is paid: log P(keeps the rule), [B], at most 0. */
export const ruleScorer =
  (score: Scorer): Scorer =>
  async (replies) =>
    (await score(replies)).map(logKeeps);

/** log sigmoid(z). */
export const logKeeps = (z: number): number => -(Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z))));

export interface RuleAccuracy {
  /** Replies that break the rule, and replies that keep it. */
  breaches: number;
  kept: number;
  /** Share of the breaches that are called so, and of the others; null without one. */
  caught: number | null;
  falseAlarms: number | null;
}

/** How well the rule model tells breaches on replies that it was not trained on; called so where P(keeps) < 0.5. */
export async function ruleAccuracy(
  model: RewardModel,
  replies: readonly FlaggedReplies[],
  pad: number,
): Promise<RuleAccuracy> {
  const prompts = replies.flatMap((ranking) => ranking.replies.map(() => ranking.prompt));
  const all = replies.flatMap((ranking) => ranking.replies);
  const scores = await scoreReplies(model, prompts, all, pad);
  const broke = replies.flatMap(({ violations }) => violations);
  const share = (of: boolean): number | null => {
    const own = [...scores].filter((_, i) => broke[i] === of);
    return own.length === 0 ? null : own.filter((z) => z < 0).length / own.length;
  };
  const breaches = broke.filter(Boolean).length;
  return { breaches, kept: broke.length - breaches, caught: share(true), falseAlarms: share(false) };
}
