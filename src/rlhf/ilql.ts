/**
 * ILQL: from replies with rewards that somebody else sampled, learn what each next token is worth, and say the tokens
 * that are worth more than their state.
 * Snell et al. 2022 (arXiv:2206.11871), section 4; details as in trlX. The loss is in ilqlLoss.ts.
 *
 *   says a ~ softmax(log pi(a | s) + beta (Q̂(s, a) - V(s)))
 *
 * The reward of a reply is paid at its last token. The heads have one hidden layer twice as wide as the states.
 *
 * Letters: B rows, P prompt length, R response length, C width, V vocabulary.
 */
import * as tf from '@tensorflow/tfjs-core';
import { NonFiniteError } from '../errors';
import { type HostTensor, lengthMultiple, Step } from '../gpu/step';
import { batchInputs, type BatchInput, type BatchTensors, padBatch, padPrompts } from '../model/batch';
import { disposeGpt, type Gpt, hiddenStates, statesAndHead } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { AdamW } from '../ops/adamw';
import { gumbel, normalSamples, permutation } from '../ops/counterRandom';
import { linear } from '../ops/linear';
import { matrixProduct } from '../ops/matrixProduct';
import { responseRows } from '../ops/responseRows';
import { ilqlAims, ilqlLoss } from './ilqlLoss';
import type { ControlTokens } from './rollout';
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
  reward: number;
}

/** A head with one hidden layer, from states to `outputs` numbers. */
type Head = Record<'inner' | 'innerBias' | 'outer' | 'outerBias', tf.Variable>;

const HEADS = ['first', 'second', 'value'] as const;
type HeadName = (typeof HEADS)[number];

export interface IlqlModel {
  /** Trained along, so that it imitates the data. */
  readonly trunk: Gpt;
  /** Two of Q, [C] to [V], and one of V, [C] to [1]. */
  readonly heads: Readonly<Record<HeadName, Head>>;
  /** Slow copies of both of Q. */
  readonly targets: Readonly<Record<'first' | 'second', Head>>;
}

/** Heads on a trunk that from then on is the model's. */
export function ilqlModel(trunk: Gpt, seed: number): IlqlModel {
  const { width, vocabulary } = trunk.shape;
  const matrix = (rows: number, columns: number, stream: number): tf.Variable => {
    const values = normalSamples(rows * columns, seed, 0x110c + stream).map((z) => z / Math.sqrt(rows));
    return tf.tidy(() => tf.variable(tf.tensor2d(values, [rows, columns])));
  };
  const zeros = (size: number): tf.Variable => tf.tidy(() => tf.variable(tf.zeros([size])));
  const head = (outputs: number, stream: number): Head => ({
    inner: matrix(width, 2 * width, stream),
    innerBias: zeros(2 * width),
    outer: matrix(2 * width, outputs, stream + 1),
    outerBias: zeros(outputs),
  });
  const heads = { first: head(vocabulary, 0), second: head(vocabulary, 2), value: head(1, 4) };
  const copy = (own: Head): Head =>
    Object.fromEntries(
      Object.entries(own).map(([name, variable]) => [name, tf.tidy(() => tf.variable(tf.add(variable, 0), false))]),
    ) as unknown as Head;
  return { trunk, heads, targets: { first: copy(heads.first), second: copy(heads.second) } };
}

/** All that is trained, by name. */
export function ilqlParameters({ trunk, heads }: IlqlModel): Map<string, tf.Variable> {
  const all = new Map<string, tf.Variable>(trunk.parameters);
  for (const name of HEADS)
    for (const [part, variable] of Object.entries(heads[name])) all.set(`ilql.${name}.${part}`, variable);
  return all;
}

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
  const learn = learningStep(model, optimiser, settings);
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

type IlqlInput = BatchInput | 'rewards' | 'numbers';

function ilqlInputs(
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
  chosen.forEach(({ response, reward }, b) => (rewards[b * batch.responseLength + response.length - 1] = reward));
  return { ...batchInputs(batch), rewards: { values: rewards, shape: [batch.rows, batch.responseLength] } };
}

/** Gives the four losses, their sum, and the norm of its gradient. */
function learningStep(model: IlqlModel, optimiser: AdamW, settings: IlqlSettings): Step<IlqlInput> {
  const { trunk, heads, targets } = model;
  const V = trunk.shape.vocabulary;
  return new Step(
    'ILQL',
    (inputs) => {
      const { ids, start, responseMask } = inputs as Record<IlqlInput, tf.Tensor> as BatchTensors;
      const rewards = inputs.rewards as tf.Tensor2D;
      const [B, R] = responseMask.shape;
      const P = ids.shape[1] - R;
      const said = tf.cast(tf.reshape(tf.slice(ids, [0, P], [B, R]), [-1]), 'int32'); // [B R]
      const minibatch = { actions: tf.oneHot(said, V) as tf.Tensor2D, rewards, responseMask };

      // What the losses aim at, of the weights as they are.
      const before = responseRows(hiddenStates(trunk, ids, start), P); // [B R, C]
      const slowQ = [headOutput(targets.first, before), headOutput(targets.second, before)] as const;
      const aims = ilqlAims(minibatch, [...slowQ], headOutput(heads.value, before), settings.gamma, settings.tau);

      const { loss, statistics, gradients } = optimiser.differentiate(() =>
        lossGradients(ilqlParameters(model), () => {
          const { hidden, wte } = statesAndHead(trunk, ids, start);
          const states = responseRows(hidden, P); // [B R, C]
          const pass = {
            q: [headOutput(heads.first, states), headOutput(heads.second, states)],
            value: headOutput(heads.value, states),
            logits: matrixProduct(states, wte, { transposeB: true }),
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

export interface IlqlSampling {
  /** How much a token's worth counts against how likely it is; 0 imitates the data. */
  beta: number;
  /** 0 is greedy. */
  temperature: number;
  maxNewTokens: number;
  seed: number;
}

/**
 * Replies of the policy that the model stands for, one a prompt. Without a cache: every token is a whole pass.
 * @returns [prompts], each with its stop token where it has one
 */
export async function sampleIlql(
  { trunk, heads, targets }: IlqlModel,
  prompts: readonly number[][],
  { stop, pad }: ControlTokens,
  { beta, temperature, maxNewTokens, seed }: IlqlSampling,
): Promise<number[][]> {
  const responses: number[][] = prompts.map(() => []);
  const done = prompts.map(() => false);
  const V = trunk.shape.vocabulary;
  for (let t = 0; t < maxNewTokens && !done.every(Boolean); t++) {
    const rows = prompts.map((prompt, b) => [...prompt, ...(responses[b] as number[])]);
    const { ids, start, promptLength } = padPrompts(rows, pad);
    const scores = tf.tidy(() => {
      const hidden = hiddenStates(
        trunk,
        tf.tensor2d(ids, [rows.length, promptLength], 'int32'),
        tf.tensor1d(start, 'int32'),
      );
      const last = tf.reshape<tf.Rank.R2>(tf.slice(hidden, [0, promptLength - 1, 0], [-1, 1, -1]), [rows.length, -1]);
      const wte = trunk.parameters.get('transformer.wte.weight') as tf.Variable;
      const logPi = tf.logSoftmax(matrixProduct(last, wte as tf.Tensor2D, { transposeB: true }));
      const q = tf.minimum(headOutput(targets.first, last), headOutput(targets.second, last));
      return tf.add(logPi, tf.mul(beta, tf.sub(q, headOutput(heads.value, last))));
    });
    const values = await scores.data<'float32'>();
    scores.dispose();
    for (let b = 0; b < rows.length; b++) {
      if (done[b]) continue;
      let best = 0;
      let highest = -Infinity;
      for (let v = 0; v < V; v++) {
        const score = values[b * V + v] as number;
        const own = temperature > 0 ? score / temperature + gumbel(seed, t, b, v) : score;
        if (own > highest) [best, highest] = [v, own];
      }
      (responses[b] as number[]).push(best);
      done[b] = best === stop;
    }
  }
  return responses;
}

export function disposeIlql({ trunk, heads, targets }: IlqlModel): void {
  disposeGpt(trunk);
  for (const head of [...Object.values(heads), ...Object.values(targets)])
    for (const variable of Object.values(head)) variable.dispose();
}
