/**
 * ILQL's loss on one minibatch, in tfjs; the loop is ilql.ts.
 * Snell et al. 2022 (arXiv:2206.11871), section 4; details as in trlX.
 *
 *   Q̂ = min of two slow copies;   target = r + gamma V(s')
 *   L_Q = Σ over both of (Q(s, a) - target)²;   L_V = |tau - [Q̂ < V]| (Q̂(s, a) - V(s))²      (expectiles)
 *   L_CQL = Σ over both of -log softmax(Q(s, ·))[a];   L_LM = -log pi(a | s)
 *   L = mean over tokens of L_Q + L_V + cqlScale L_CQL + imitationScale L_LM
 *
 * L_V and L_Q are IQL's, token by token (Kostrikov et al. 2021, arXiv:2110.06169, equations 5 and 6); L_CQL is
 * conservative Q-learning's (Kumar et al. 2020, arXiv:2006.04779, equation 4), whose expectation of Q is the sampled token's.
 *
 * Letters: B rows, R response length, M rows of B R that are no padding (ops/realRows.ts), V vocabulary. Tensors are float32, and belong to the caller's tidy.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { RealRows } from '../ops/realRows';

/** What was said, and what it earned. */
export interface IlqlMinibatch {
  /** [M, V] one-hot */
  actions: tf.Tensor2D;
  /** From [M, ...] back to [B R, ...] */
  restore: RealRows['restore'];
  /** [B, R]: what each token earned */
  rewards: tf.Tensor2D;
  /** [B, R] 1 on response tokens, the stop token included */
  responseMask: tf.Tensor2D;
}

/** What the losses aim at; no gradient flows through it. */
export interface IlqlAims {
  /** [B, R]: Q̂ of the token that was said */
  slow: tf.Tensor2D;
  /** [B, R]: r + gamma V(s') */
  target: tf.Tensor2D;
  /** [B, R]: tau where Q̂ is at V or above, 1 - tau where it is below */
  expectile: tf.Tensor2D;
}

/** What the model says of the states; differentiable. */
export interface IlqlPass {
  /** Two of [M, V] */
  q: readonly tf.Tensor2D[];
  /** [M, 1] */
  value: tf.Tensor2D;
  /** [M, V] of the policy that imitates; null where it is not trained */
  logits: tf.Tensor2D | null;
}

/**
 * @param slowQ two of [M, V], of the slow copies
 * @param value [M, 1] of the weights as they are
 * @param gamma discount, 0 to 1
 * @param tau expectile, 0.5 (the mean) to below 1 (the best)
 */
export function ilqlAims(
  { actions, restore, rewards, responseMask }: IlqlMinibatch,
  slowQ: readonly [tf.Tensor2D, tf.Tensor2D],
  value: tf.Tensor2D,
  gamma: number,
  tau: number,
): IlqlAims {
  const [B, R] = responseMask.shape;
  const [first, second] = slowQ.map((all) => ofActions(all, { actions, restore }, [B, R])) as [
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  const slow = tf.minimum(first, second) as tf.Tensor2D;
  const values: tf.Tensor2D = tf.reshape(restore(value), [B, R]);
  /** What the next token has; 0 after the last. */
  const shifted = (own: tf.Tensor2D): tf.Tensor2D =>
    tf.concat([tf.slice(own, [0, 1], [B, R - 1]), tf.zeros<tf.Rank.R2>([B, 1])], 1);
  const target = tf.add(rewards, tf.mul(gamma, tf.mul(shifted(values), shifted(responseMask)))) as tf.Tensor2D;
  const below = tf.cast(tf.less(slow, values), 'float32');
  return { slow, target, expectile: tf.abs(tf.sub(tau, below)) };
}

/**
 * @returns the loss, and its four parts L_Q, L_V, L_CQL, L_LM before their weights, [4]; a part of weight 0 is not computed,
 * and is 0
 */
export function ilqlLoss(
  { q, value, logits }: IlqlPass,
  { actions, restore, responseMask }: Omit<IlqlMinibatch, 'rewards'>,
  { slow, target, expectile }: IlqlAims,
  { cqlScale, imitationScale }: { cqlScale: number; imitationScale: number },
): { loss: tf.Scalar; statistics: tf.Tensor1D } {
  const [B, R] = responseMask.shape;
  const count = tf.sum(responseMask);
  const meanOf = (perToken: tf.Tensor2D): tf.Scalar => tf.div(tf.sum(tf.mul(perToken, responseMask)), count);
  const taken = (all: tf.Tensor2D): tf.Tensor2D => ofActions(all, { actions, restore }, [B, R]);
  const negativeLogSoftmax = (all: tf.Tensor2D): tf.Tensor2D => tf.neg(taken(tf.logSoftmax(all)));
  const sumOf = (terms: tf.Tensor[]): tf.Scalar => tf.addN(terms) as tf.Scalar;

  const lossQ = sumOf(q.map((all) => meanOf(tf.square(tf.sub(taken(all), target)))));
  const lossV = meanOf(tf.mul(expectile, tf.square(tf.sub(slow, tf.reshape(restore(value), [B, R])))));
  const lossCql = cqlScale > 0 ? sumOf(q.map((all) => meanOf(negativeLogSoftmax(all)))) : tf.scalar(0);
  const lossLm = logits ? meanOf(negativeLogSoftmax(logits)) : tf.scalar(0);
  const losses = [lossQ, lossV, lossCql, lossLm];
  const weights = [1, 1, cqlScale, imitationScale];
  return {
    loss: sumOf(losses.map((own, i) => tf.mul(weights[i] as number, own))),
    statistics: tf.stack(losses) as tf.Tensor1D,
  };
}

/** [M, V] at the tokens that were said, [B, R] */
const ofActions = (
  all: tf.Tensor2D,
  { actions, restore }: Pick<IlqlMinibatch, 'actions' | 'restore'>,
  shape: [number, number],
): tf.Tensor2D => tf.reshape(restore(tf.sum(tf.mul(all, actions), 1, true)), shape);
