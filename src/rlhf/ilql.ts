/**
 * ILQL: from replies with rewards that somebody else sampled, learn what each next token is worth, and say the tokens
 * that are worth more than their state.
 * Snell et al. 2022 (arXiv:2206.11871), section 4; details as in trlX. The loss is in ilqlLoss.ts.
 *
 *   says a ~ softmax(log pi(a | s) + beta (Q̂(s, a) - V(s)))
 *
 * pi imitates the data. It is the trunk of Q and V, which then learns to imitate as well (trlX), or a model of its own, for
 * replies whose policy is known (the paper has one of its own too, made by imitation). V is the same for all tokens, so the
 * softmax needs none of it. The heads have one hidden layer twice as wide as the states. Their slow copies share the trunk,
 * as in trlX; the paper's have a slow trunk too.
 *
 * Letters: B rows, P prompt length, R response length, M rows of B R that are no padding, C width, V vocabulary.
 */
import * as tf from '@tensorflow/tfjs-core';
import { NonFiniteError } from '../errors';
import { type HostTensor, lengthMultiple, Step } from '../gpu/step';
import { batchInputs, type BatchInput, type BatchTensors, batchTensors, padBatch } from '../model/batch';
import type { Scoring } from '../model/decoder';
import { disposeGpt, type Gpt, hiddenStates, logits, statesAndHead } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { AdamW } from '../ops/adamw';
import { normalSamples, permutation } from '../ops/counterRandom';
import { linear } from '../ops/linear';
import { matrixProduct } from '../ops/matrixProduct';
import { realRows } from '../ops/realRows';
import { responseRows } from '../ops/responseRows';
import { ilqlAims, ilqlLoss } from './ilqlLoss';
import { k1, sequenceKl } from './kl';
import { type ControlTokens, sampleResponses, type SamplingRequest } from './rollout';
import { linearToZero } from './schedule';
import type { TrainingStep } from './trainingStep';

export interface IlqlSettings {
  epochs: number;
  batchSize: number;
  learningRate: number;
  gamma: number;
  /** Expectile, 0.5 (the mean) to below 1 (the best). */
  tau: number;
  cqlScale: number;
  /** Nothing where the imitator is a model of its own. */
  imitationScale: number;
  /** How fast the slow copies follow, 0 to 1, ... */
  targetRate: number;
  /** ... and every how many steps. */
  targetEvery: number;
}

/** trlX's, with a higher rate, for a model of this size. */
export const ILQL_DEFAULTS: IlqlSettings = {
  epochs: 20,
  batchSize: 64,
  learningRate: 2e-3,
  gamma: 0.99,
  tau: 0.7,
  cqlScale: 0.1,
  imitationScale: 1,
  targetRate: 0.1,
  targetEvery: 5,
};

/** A reply and what it was worth. */
export interface RewardedReply {
  prompt: number[];
  /** With its stop token where it has one. */
  response: number[];
  /** What each token earned. */
  rewards: number[];
}

/** Rewards where no more is known than what the whole reply was worth. */
export const paidAtItsEnd = (response: readonly number[], reward: number): number[] =>
  response.map((_, t) => (t === response.length - 1 ? reward : 0));

/** A head with one hidden layer, from states to `outputs` numbers. */
type Head = Record<'inner' | 'innerBias' | 'outer' | 'outerBias', tf.Variable>;

const HEADS = ['first', 'second', 'value'] as const;
type HeadName = (typeof HEADS)[number];

export interface IlqlModel {
  /** Trained along. */
  readonly trunk: Gpt;
  /** pi: the trunk, or a model that belongs to somebody else and stays as it is. */
  readonly imitator: Gpt;
  /** Two of Q, [C] to [V], and one of V, [C] to [1]. */
  readonly heads: Readonly<Record<HeadName, Head>>;
  /** Slow copies of both of Q. */
  readonly targets: Readonly<Record<'first' | 'second', Head>>;
}

/**
 * Heads on a trunk that from then on is the model's.
 * @param blank whether heads begin as 0 everywhere, and not with random worths: tokens that the data does not have then stay
 *   as likely as pi has them, with no need of the conservative term
 */
export function ilqlModel(
  trunk: Gpt,
  seed: number,
  { imitator = trunk, blank = false }: { imitator?: Gpt; blank?: boolean } = {},
): IlqlModel {
  const { width, vocabulary } = trunk.shape;
  const matrix = (rows: number, columns: number, stream: number, scale = 1): tf.Variable => {
    const values = normalSamples(rows * columns, seed, 0x110c + stream).map((z) => (scale * z) / Math.sqrt(rows));
    return tf.tidy(() => tf.variable(tf.tensor2d(values, [rows, columns])));
  };
  const zeros = (size: number): tf.Variable => tf.tidy(() => tf.variable(tf.zeros([size])));
  const head = (outputs: number, stream: number): Head => ({
    inner: matrix(width, 2 * width, stream),
    innerBias: zeros(2 * width),
    outer: matrix(2 * width, outputs, stream + 1, blank ? 0 : 1),
    outerBias: zeros(outputs),
  });
  const heads = { first: head(vocabulary, 0), second: head(vocabulary, 2), value: head(1, 4) };
  const copy = (own: Head): Head =>
    Object.fromEntries(
      Object.entries(own).map(([name, variable]) => [name, tf.tidy(() => tf.variable(tf.add(variable, 0), false))]),
    ) as unknown as Head;
  return { trunk, imitator, heads, targets: { first: copy(heads.first), second: copy(heads.second) } };
}

/** All that is trained, by name. */
export function ilqlParameters({ trunk, heads }: IlqlModel): Map<string, tf.Variable> {
  const all = new Map<string, tf.Variable>(trunk.parameters);
  for (const name of HEADS)
    for (const [part, variable] of Object.entries(heads[name])) all.set(`ilql.${name}.${part}`, variable);
  return all;
}

/** Number of weights of the heads. */
export const ilqlHeadParameters = (heads: IlqlModel['heads']): number =>
  HEADS.reduce((sum, name) => sum + Object.values(heads[name]).reduce((own, { size }) => own + size, 0), 0);

export const ilqlOptimiser = (model: IlqlModel): AdamW =>
  new AdamW(ilqlParameters(model), { form: 'torch', epsilon: 1e-8 });

export const ilqlSteps = (replies: number, { epochs, batchSize }: IlqlSettings): number =>
  epochs * Math.ceil(replies / batchSize);

/**
 * Trains the model in place and yields after every step.
 * @param pad fills rows; never the stop token
 * @throws NonFiniteError
 */
export async function* ilql(
  model: IlqlModel,
  optimiser: AdamW,
  replies: readonly RewardedReply[],
  settings: IlqlSettings,
  pad: number,
  seed: number,
): AsyncGenerator<TrainingStep> {
  const steps = ilqlSteps(replies.length, settings);
  const stepsPerEpoch = Math.ceil(replies.length / settings.batchSize);
  const learn = ilqlStep(model, optimiser, settings);
  try {
    while (optimiser.step < steps) {
      const first = (optimiser.step % stepsPerEpoch) * settings.batchSize;
      const chosen = permutation(replies.length, seed, Math.floor(optimiser.step / stepsPerEpoch))
        .slice(first, first + settings.batchSize)
        .map((i) => replies[i] as RewardedReply);
      const rate = linearToZero(settings.learningRate, optimiser.step, steps);
      const [losses, totals, norms] = (await learn.read({
        ...ilqlInputs(chosen, pad, model.trunk.shape.context),
        numbers: { values: optimiser.advance(rate), shape: [3] },
      })) as [Float32Array, Float32Array, Float32Array];
      const [loss, gradNorm] = [totals[0] as number, norms[0] as number];
      if (!Number.isFinite(loss + gradNorm)) throw new NonFiniteError('The ILQL loss', optimiser.step);
      if (optimiser.step % settings.targetEvery === 0) followTargets(model, settings.targetRate);
      const [q, v, cql, imitation] = losses as unknown as [number, number, number, number];
      const metrics = { loss, loss_q: q, loss_v: v, loss_cql: cql, loss_lm: imitation, grad_norm: gradNorm };
      yield { step: optimiser.step, steps, phase: 'learning what tokens are worth', metrics };
    }
  } finally {
    learn.dispose();
  }
}

export type IlqlInput = BatchInput | 'rewards' | 'numbers';

export function ilqlInputs(
  chosen: readonly RewardedReply[],
  pad: number,
  context: number,
): Record<Exclude<IlqlInput, 'numbers'>, HostTensor> {
  const responses = chosen.map(({ response }) => response);
  const batch = padBatch(
    chosen.map(({ prompt }) => prompt),
    responses,
    pad,
    context,
    { multiple: lengthMultiple() },
  );
  const rewards = new Float32Array(batch.rows * batch.responseLength);
  chosen.forEach((reply, b) => rewards.set(reply.rewards, b * batch.responseLength));
  return { ...batchInputs(batch), rewards: { values: rewards, shape: [batch.rows, batch.responseLength] } };
}

/** Gives the four losses, their sum, and the norm of its gradient. */
export function ilqlStep(model: IlqlModel, optimiser: AdamW, settings: IlqlSettings): Step<IlqlInput> {
  const { trunk, imitator, heads, targets } = model;
  const V = trunk.shape.vocabulary;
  return new Step(
    'ILQL',
    (inputs) => {
      const { ids, start, responseMask } = inputs as Record<IlqlInput, tf.Tensor> as BatchTensors;
      const rewards = inputs.rewards as tf.Tensor2D;
      const [B, R] = responseMask.shape;
      const P = ids.shape[1] - R;
      const said = tf.cast(tf.reshape<tf.Rank.R1>(tf.slice(ids, [0, P], [B, R]), [-1]), 'int32'); // [B R]
      const { drop, dropIds, restore } = realRows(R, null, responseMask);
      const minibatch = { actions: tf.oneHot(dropIds(said), V) as tf.Tensor2D, restore, rewards, responseMask };

      // What the losses aim at, of the weights as they are.
      const before = drop(responseRows(hiddenStates(trunk, ids, start, responseMask), P)); // [M, C]
      const slowQ = [headOutput(targets.first, before), headOutput(targets.second, before)] as const;
      const aims = ilqlAims(minibatch, [...slowQ], headOutput(heads.value, before), settings.gamma, settings.tau);

      const { loss, statistics, gradients } = optimiser.differentiate(() =>
        lossGradients(ilqlParameters(model), () => {
          const imitating = imitator === trunk ? statesAndHead(trunk, ids, start, responseMask) : null;
          const hidden = imitating?.hidden ?? hiddenStates(trunk, ids, start, responseMask);
          const states = drop(responseRows(hidden, P)); // [M, C]
          const pass = {
            q: [headOutput(heads.first, states), headOutput(heads.second, states)],
            value: headOutput(heads.value, states),
            logits: imitating && matrixProduct(states, imitating.wte, { transposeB: true }),
          };
          return ilqlLoss(pass, minibatch, aims, settings);
        }),
      );
      return [statistics, loss, optimiser.update(gradients, inputs.numbers as tf.Tensor1D)];
    },
    () => [...ilqlParameters(model).values(), ...Object.values(targets).flatMap((head) => Object.values(head))],
  );
}

/** [M, C] to [M, outputs] */
function headOutput({ inner, innerBias, outer, outerBias }: Head, states: tf.Tensor2D): tf.Tensor2D {
  const hidden = tf.relu(linear(states, inner as tf.Tensor2D, innerBias as tf.Tensor1D));
  return linear(hidden, outer as tf.Tensor2D, outerBias as tf.Tensor1D);
}

/** targets ← (1 - rate) targets + rate Q */
function followTargets({ heads, targets }: IlqlModel, rate: number): void {
  for (const name of ['first', 'second'] as const)
    for (const part of Object.keys(targets[name]) as (keyof Head)[])
      tf.tidy(() => {
        const own = targets[name][part];
        own.assign(tf.add(tf.mul(own, 1 - rate), tf.mul(heads[name][part], rate)));
      });
}

/**
 * How the policy that the model stands for draws its tokens, where the imitator reads.
 * @param beta how much a token's worth counts against how likely it is; 0 imitates the data
 */
export const ilqlScoring = (model: IlqlModel, beta: number): Scoring => ({
  beside: model.trunk,
  scores: (own, beside) => perturbed(model, own, beside, beta),
  variables: () => Object.values(model.targets).flatMap((head) => Object.values(head)),
});

/** log pi + beta Q̂ up to what is the same for all tokens. @param own [M, C] of the imitator @param beside [M, C] of the trunk */
function perturbed({ imitator, targets }: IlqlModel, own: tf.Tensor2D, beside: tf.Tensor2D, beta: number): tf.Tensor2D {
  const q = tf.minimum(headOutput(targets.first, beside), headOutput(targets.second, beside));
  return tf.add(logits(imitator, own), tf.mul(beta, q));
}

export interface IlqlSampling extends SamplingRequest {
  beta: number;
}

/**
 * Replies of the policy that the model stands for, one a prompt.
 * @returns [prompts], each with its stop token where it has one
 */
export async function sampleIlql(
  model: IlqlModel,
  prompts: readonly number[][],
  tokens: ControlTokens,
  { beta, ...sampling }: IlqlSampling,
): Promise<number[][]> {
  const request = { ...sampling, scoring: ilqlScoring(model, beta) };
  return (await sampleResponses(model.imitator, prompts, tokens, request)).responses;
}

/**
 * Sum over each response of how much likelier the policy makes it than the imitator (k1), in nats, at temperature 1.
 * @returns [B]
 */
export async function ilqlDrift(
  model: IlqlModel,
  beta: number,
  prompts: readonly number[][],
  responses: readonly number[][],
  pad: number,
): Promise<Float32Array> {
  const { trunk, imitator } = model;
  const batch = padBatch(prompts, responses, pad, trunk.shape.context);
  const P = batch.promptLength;
  const drift = tf.tidy(() => {
    const { ids, start, responseMask } = batchTensors(batch);
    const [B, R] = responseMask.shape;
    const said = tf.oneHot(tf.cast(tf.reshape(tf.slice(ids, [0, P], [B, R]), [-1]), 'int32'), trunk.shape.vocabulary);
    const [own, beside] = [imitator, trunk].map((gpt) => responseRows(hiddenStates(gpt, ids, start), P)) as [
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const logProbs = (scores: tf.Tensor2D): tf.Tensor2D =>
      tf.reshape(tf.sum(tf.mul(tf.logSoftmax(scores), said), 1), [B, R]);
    const policy = logProbs(perturbed(model, own, beside, beta));
    return sequenceKl(k1(policy, logProbs(logits(imitator, own)), responseMask));
  });
  const values = Float32Array.from(await drift.data<'float32'>());
  drift.dispose();
  return values;
}

/** A separate imitator stays. */
export function disposeIlql({ trunk, heads, targets }: IlqlModel): void {
  disposeGpt(trunk);
  for (const head of [...Object.values(heads), ...Object.values(targets)])
    for (const variable of Object.values(head)) variable.dispose();
}
