/**
 * The model's examination: what shipped code says of a checkpoint and of everything that PyTorch worked out from it in
 * float64, `fixtures/golden/gpt2-tiny.expected.json` (written by `gpt2_oracle.py` beside it).
 *
 * For tests alone. Each law compares every number of its part of the file; an expected number that no answer is given
 * to is an infinite error, not a pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { Step } from '../gpu/step';
import { batchTensors, padBatch } from '../model/batch';
import { fromGpt2Config, loadGpt, toGpt2Config } from '../model/checkpoint';
import { generateAll } from '../model/generate';
import { cloneGpt, disposeGpt, type Gpt, hiddenStates, logits } from '../model/gpt';
import { gradientsOf, lossGradients } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { HEAD_BIAS, HEAD_WEIGHT, scalarParameters, scalars } from '../model/scalarHead';
import { AdamW } from '../ops/adamw';
import { tokenLogProb } from '../ops/tokenLogProb';
import {
  ADAMW_LOSSES,
  type Deviation,
  gradientNorms,
  identical,
  read,
  renamed,
  VALUES,
  values,
} from './deviations.oracle';
import { flat, relativeError } from './formulas.oracle';
import { type Expected, idsTensor, noPadding, type Oracle, withHead } from './gpt2File.oracle';
import { batchPairWeights } from './pairWeights';
import { ppoMinibatch } from './ppoMinibatch.oracle';
import { dpoLoss } from './preferenceLosses';
import { allPairsLoss } from './rankingLoss';
import { poolingWeights } from './rewardModel';

type Law = (gpt: Gpt, oracle: Oracle) => Promise<Deviation[]>;

/** Every part of the file, by the law that it upholds. */
export const LAWS: Record<string, Law> = {
  'reads the shape from the configuration and writes the same configuration back': async ({ shape }, { config }) =>
    Object.entries(toGpt2Config(shape)).map(([key, value]) =>
      identical(key, value, config[key as keyof typeof config]),
    ),

  'gives the logits, the loss and every gradient': async (gpt, { expected }) => {
    const deviations = [
      values('logits', await read(tf.tidy(() => logitsOf(gpt, expected.input_ids))), expected.logits),
    ];
    const { loss, gradients } = gradientsOf(gpt.parameters, () => crossEntropy(gpt, expected));
    deviations.push(values('loss', await read(loss), expected.loss));
    deviations.push(...(await gradientNorms(gradients, expected.grad_norms)));
    for (const [name, first] of Object.entries(expected.grads)) {
      const gradient = gradients.get(name);
      const came = gradient ? [...(await gradient.data())] : [];
      const largest = Math.max(...came.map(Math.abs));
      const apart = first.map((value, i) => Math.abs((came[i] ?? Infinity) - value) / largest);
      deviations.push({
        what: `first values of the gradient of ${name}`,
        error: Math.max(...apart),
        tolerance: VALUES,
      });
    }
    tf.dispose([...gradients.values()]);
    return deviations;
  },

  'takes ten steps of AdamW with the same loss at each': async (gpt, { expected }) => {
    const { lr, betas, eps, weight_decay: weightDecay, losses } = expected.adamw;
    const [beta1, beta2] = betas;
    const options = { form: 'torch', beta1, beta2, epsilon: eps, weightDecay, maxGradNorm: Infinity } as const;
    const deviations: Deviation[] = [];
    for (const way of ['recorded', 'operation by operation'] as const) {
      const own = cloneGpt(gpt);
      const optimiser = new AdamW(own.parameters, options);
      const learn = new Step(
        'oracle',
        ({ numbers }) => {
          const { loss, gradients } = optimiser.differentiate(() =>
            gradientsOf(own.parameters, () => crossEntropy(own, expected)),
          );
          return [loss, optimiser.update(gradients, numbers as tf.Tensor1D)];
        },
        () => own.parameters.values(),
      );
      for (const [step, loss] of losses.entries()) {
        const numbers = { values: optimiser.advance(lr), shape: [3] };
        const [came] = await (way === 'recorded' ? learn.run({ numbers }) : learn.runPlainly({ numbers }))();
        const error = relativeError(came as Float32Array, [loss]);
        deviations.push({ what: `loss before step ${step + 1}, ${way}`, error, tolerance: ADAMW_LOSSES });
      }
      learn.dispose();
      optimiser.dispose();
      disposeGpt(own);
    }
    return deviations;
  },

  'continues greedily with the same tokens, with the cache and without': async (gpt, { expected }) => {
    const { prompt_ids: prompt, continuation_ids: continuation } = expected.greedy;
    const options = { temperature: 0, topK: 0, topP: 1, seed: 1, stopToken: -1, padToken: 0 };
    const cached = await generateAll(gpt, [prompt], { ...options, maxNewTokens: continuation.length });
    const plain = [...prompt];
    while (plain.length < prompt.length + continuation.length) {
      const next = tf.tidy(() => tf.argMax(tf.slice(logitsOf(gpt, [plain]), [plain.length - 1, 0], [1, -1]), 1));
      plain.push(...(await read(next)));
    }
    return [
      identical('tokens with the cache', cached.responses[0], continuation),
      identical('tokens without', plain.slice(prompt.length), continuation),
    ];
  },

  'goes through a PPO minibatch: log-probs, rewards, advantages, losses and every gradient': ppoMinibatch,

  'ranks four replies with the same rewards, loss and gradients': async (gpt, { expected }) => {
    const { input_ids_best_to_worst: rows, lengths, head_weight: weight, expected: answers } = expected.reward_model;
    const model = withHead(gpt, weight, 0);
    const batch = responsesAfter(gpt, rows, lengths, 1);
    const { ids, start, responseMask } = batchTensors(batch);
    const { values: lastWeights, shape } = poolingWeights(batch, 'last');
    const last = tf.tensor2d(lastWeights, shape as [number, number]);
    const weights = tf.tensor3d(batchPairWeights([rows.map((_, rank) => rank)], rows.length), [
      1,
      rows.length,
      rows.length,
    ]);
    // The papers' reward model: the scalar at the last token, and nothing else.
    const rewardsOf = (): tf.Tensor1D => tf.sum(tf.mul(scalars(model, ids, start), last), 1);
    const { loss, gradients } = gradientsOf(scalarParameters(model), () =>
      allPairsLoss(tf.reshape(rewardsOf(), [1, rows.length]), weights),
    );
    const deviations = [
      values('rewards', await read(tf.tidy(rewardsOf)), answers.rewards),
      values('loss', await read(loss), answers.loss),
      // The head there has no bias; ours is at 0, where the loss does not feel it.
      ...(await gradientNorms(renamed(gradients, { [HEAD_WEIGHT]: 'head.weight' }), answers.grad_norms, [HEAD_BIAS])),
    ];
    tf.dispose([ids, start, responseMask, last, weights, model.weight, model.bias, ...gradients.values()]);
    return deviations;
  },

  'learns from a comparison by DPO: log-probs, loss and every gradient': async (gpt, { expected }) => {
    const { input_ids_best_to_worst: rows, lengths } = expected.reward_model;
    const { prompt_length: promptLength, beta, chosen_row: chosen, rejected_row: rejected, ...rest } = expected.dpo;
    const order = [chosen, rejected];
    const take = <T>(list: T[]): T[] => order.map((row) => list[row] as T);
    const batch = responsesAfter(gpt, take(rows), take(lengths), promptLength);
    const { ids, start, responseMask } = batchTensors(batch);
    const reference = [rest.ref_chosen_log_prob, rest.ref_rejected_log_prob].map((sum) => tf.tensor1d([sum]));
    const { loss, statistics, gradients } = lossGradients(gpt.parameters, () => {
      const { logProbs } = responseLogProbs(gpt, ids, start, promptLength, 1);
      const sums = tf.sum(tf.mul(logProbs, responseMask), 1) as tf.Tensor1D;
      const [own, other] = [0, 1].map((row) => tf.slice(sums, row, 1)) as [tf.Tensor1D, tf.Tensor1D];
      const [refChosen, refRejected] = reference as [tf.Tensor1D, tf.Tensor1D];
      const losses = dpoLoss({ chosen: own, rejected: other, refChosen, refRejected }, beta);
      return { loss: tf.mean(losses) as tf.Scalar, statistics: sums };
    });
    const [chosenSum, rejectedSum] = await read(statistics);
    const deviations = [
      values('log-prob of the chosen', [chosenSum as number], rest.expected.chosen_log_prob),
      values('log-prob of the rejected', [rejectedSum as number], rest.expected.rejected_log_prob),
      values('loss', await read(loss), rest.expected.loss),
      ...(await gradientNorms(gradients, rest.expected.grad_norms)),
    ];
    tf.dispose([ids, start, responseMask, ...reference, ...gradients.values()]);
    return deviations;
  },
};

/**
 * Examines one law on tfjs's current backend, on a model of its own.
 * @throws CheckpointError for a file that is not of the shape in its configuration
 */
export async function deviationsFrom(law: string, oracle: Oracle): Promise<Deviation[]> {
  const examine = LAWS[law];
  if (!examine) throw new Error(`expected one of the laws, got "${law}"`);
  const shape: ModelShape = fromGpt2Config(oracle.config);
  const gpt = loadGpt(shape, oracle.checkpoint);
  try {
    return await examine(gpt, oracle);
  } finally {
    disposeGpt(gpt);
  }
}

/** [B T, V] */
function logitsOf(gpt: Gpt, rows: number[][]): tf.Tensor2D {
  const hidden = hiddenStates(gpt, idsTensor(rows), noPadding(rows));
  return logits(gpt, tf.reshape(hidden, [-1, gpt.shape.width]));
}

function crossEntropy(gpt: Gpt, { input_ids: rows, target_ids: targets }: Expected): tf.Scalar {
  const { logProb } = tokenLogProb(logitsOf(gpt, rows), tf.tensor1d(flat(targets), 'int32'));
  return tf.neg(tf.mean(logProb)) as tf.Scalar;
}

/** Rows cut to their lengths, with everything after the first `promptLength` tokens as the response. */
function responsesAfter(
  gpt: Gpt,
  rows: number[][],
  lengths: number[],
  promptLength: number,
): ReturnType<typeof padBatch> {
  const prompts = rows.map((row) => row.slice(0, promptLength));
  const responses = rows.map((row, i) => row.slice(promptLength, lengths[i]));
  return padBatch(prompts, responses, 0, gpt.shape.context);
}
