/**
 * Policy gradients without a value model: sample K replies of each of G prompts, judge each by the others or by a
 * baseline, and learn from the batch for some epochs of minibatches. RLOO, GRPO, Dr. GRPO, REINFORCE and REINFORCE++ are
 * this loop with another `PolicyGradientMethod`, each in a file of its own.
 *
 * Letters: G prompts of an update, K replies of each, B = G K, M replies of a minibatch, P prompt length, R response
 * length. PPO, which has a value model and a pass fused for it, is ppo.ts.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { KL_LOSSES, type PolicyGradientSettings } from '../config';
import { NonFiniteError } from '../errors';
import { nextMacrotask } from '../gpu/macrotask';
import { type HostTensor, lengthMultiple, Step } from '../gpu/step';
import { type Batch, batchInputs, type BatchInput, type BatchTensors, padBatch, selectRows } from '../model/batch';
import type { Gpt } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { responseLogProbs, type ResponseLogProbs } from '../model/responseLogProbs';
import { AdamW } from '../ops/adamw';
import type { MetricValues } from '../session/protocol';
import type { KlController } from './adaptiveKlController';
import type { Ema } from './ema';
import { zeroDeviationFraction } from './groupAdvantages';
import { exactKlOfTokens, logProbsAndEntropies, responseLogits } from './nextTokenDistributions';
import { minibatchesOf } from './ppo';
import { POLICY_STATISTICS } from './ppoLoss';
import { minibatchMetrics } from './ppoReport';
import { penaliseMissingEos } from './rewards';
import { type ControlTokens, sampleResponses } from './rollout';
import { linearToZero } from './schedule';
import type { Scorer } from './scorer';
import { type RatioOf, surrogateLoss, tokenWeights, type Weighting } from './surrogateLoss';
import type { TrainingStep } from './trainingStep';

/** One batch as a method judges it; row-major, replies of a prompt side by side. */
export interface Episodes {
  /** K */
  replies: number;
  /** R */
  responseLength: number;
  /** [B], after the penalty for a missing stop token. */
  scores: Float32Array;
  /** [B, R]: k1 of each token from the reference, 0 outside the mask. */
  kl: Float32Array;
  /** [B, R] */
  mask: Float32Array;
  klCoef: number;
}

/** What tells one method from another. */
export interface PolicyGradientMethod {
  name: string;
  /**
   * What each token was worth.
   * @param memory numbers that the method keeps between updates, and changes; a checkpoint holds them
   * @returns [B, R], 0 outside the mask
   */
  advantages(episodes: Episodes, memory: Record<string, number>): Float32Array;
  ratioOf: RatioOf;
  weighting: Weighting;
  /** Fewest replies of a prompt that it can judge. */
  leastReplies: number;
  /** What it is run with unless told otherwise. */
  defaults: PolicyGradientSettings;
}

/** Everything that changes in a run; its tensors are the caller's. */
export interface PolicyGradientState {
  policy: Gpt;
  /** Frozen. */
  refPolicy: Gpt;
  optimiser: AdamW;
  klController: KlController;
  /** Updates done. */
  update: number;
  /** The method's own. */
  memory: Record<string, number>;
  /** A slower copy of the policy, if one is kept. */
  ema?: Ema;
}

export interface PolicyGradientRun {
  method: PolicyGradientMethod;
  settings: PolicyGradientSettings;
  tokens: ControlTokens;
  seed: number;
  /** G prompts of an update, in tokens: the same for the same update. */
  promptsOf(update: number): number[][];
  scorer: Scorer;
  /** What the replies of an update are worth by a truth that is never learnt from; K to each prompt. */
  judge?: (update: number, responses: readonly number[][], finished: readonly boolean[]) => MetricValues;
  describe(prompt: number[], response: number[]): { prompt: string; reply: string };
  signal?: AbortSignal;
}

/** Adam in TensorFlow 1's form, epsilon 1e-5, as PPO's. */
export const policyGradientOptimiser = (policy: Gpt, { maxGradNorm }: PolicyGradientSettings): AdamW =>
  new AdamW(policy.parameters, { form: 'tf1', epsilon: 1e-5, maxGradNorm });

/** What a minibatch gives, in order. */
const STATISTICS = [...POLICY_STATISTICS, 'policy/grad_norm'];
/** Samples shown an update. */
const SHOWN_SAMPLES = 4;

/**
 * Runs updates until `settings.updates` are done; yields at each phase, and with metrics after each update.
 * @throws RatioError, NonFiniteError, CancelledError; the weights are then for the caller to restore
 */
export async function* policyGradient(
  state: PolicyGradientState,
  run: PolicyGradientRun,
): AsyncGenerator<TrainingStep> {
  const { method, settings, tokens } = run;
  const { policy, refPolicy } = state;
  const { replies: K, updates: steps } = settings;
  if (K < method.leastReplies)
    throw new RangeError(`${method.name} needs ${method.leastReplies} replies of a prompt or more, got ${K}.`);
  const judge = judgingStep(policy, refPolicy, settings);
  const learn = learningStep(state, method, settings);
  try {
    while (state.update < steps) {
      const step = state.update + 1;
      const seed = (Math.imul(run.seed, 0x9e3779b1) + step) >>> 0;
      yield { step, steps, phase: 'sampling replies' };
      const prompts = run.promptsOf(state.update).flatMap((prompt) => Array.from({ length: K }, () => prompt));
      const { responses, finished } = await sampleResponses(policy, prompts, tokens, {
        temperature: settings.temperature,
        maxNewTokens: settings.maxNewTokens,
        seed,
        ...(run.signal ? { signal: run.signal } : {}),
      });

      yield { step, steps, phase: 'scoring replies' };
      const { klCoef } = state.klController;
      const batch = padBatch(prompts, responses, tokens.pad, policy.shape.context, { multiple: lengthMultiple() });
      const [logProbs, refLogProbs, entropies] = (await judge.read(batchInputs(batch))) as Judgement;
      const raw = await run.scorer({ batch, prompts, responses });
      const scores = penaliseMissingEos(raw, finished, settings.missingEosPenalty);
      if (!scores.every(Number.isFinite)) throw new NonFiniteError('A score', step);
      const kl = logProbs.map((own, i) => (own - (refLogProbs[i] as number)) * (batch.responseMask[i] as number));
      const episodes = {
        replies: K,
        responseLength: batch.responseLength,
        scores,
        kl,
        mask: batch.responseMask,
        klCoef,
      };
      const advantages = method.advantages(episodes, state.memory);

      yield { step, steps, phase: 'learning' };
      const rate = linearToZero(settings.learningRate, state.update, steps);
      const readers = [];
      for (let epoch = 0; epoch < settings.epochs; epoch++) {
        for (const chosen of minibatchesOf(batch.rows, settings.minibatchSize, seed, epoch)) {
          readers.push(
            learn.run({
              ...minibatchInputs(batch, chosen, { logProbs, refLogProbs, advantages }, method, settings),
              numbers: { values: state.optimiser.advance(rate), shape: [3] },
            }),
          );
          await nextMacrotask();
        }
      }
      const statistics = await Promise.all(readers.map(async (read) => (await read()).flatMap((part) => [...part])));
      state.ema?.follow(policy);
      const drift = sumsOf(kl, batch.responseLength);
      const metrics: MetricValues = {
        'objective/kl': mean(drift),
        'objective/kl_coef': klCoef,
        'objective/scores': mean(scores),
        'objective/non_score_reward': -klCoef * mean(drift),
        'objective/rlhf_reward': mean(scores) - klCoef * mean(drift),
        'objective/entropy': mean(sumsOf(masked(entropies, batch.responseMask), batch.responseLength)),
        'val/num_eos_tokens': finished.filter(Boolean).length,
        'tokens/responses_len_mean': mean(responses.map(({ length }) => length)),
        ...(K > 1 ? { frac_reward_zero_std: zeroDeviationFraction(scores, K) } : {}),
        ...minibatchMetrics(statistics, step, { names: STATISTICS }),
        ...run.judge?.(state.update, responses, finished),
        lr: rate,
        episode: step * batch.rows,
      };
      state.klController.update(metrics['objective/kl'] as number, batch.rows);
      state.update = step;
      const samples = prompts.slice(0, SHOWN_SAMPLES).map((prompt, b) => ({
        ...run.describe(prompt, responses[b] as number[]),
        score: scores[b] as number,
        kl: drift[b] as number,
        total: (scores[b] as number) - klCoef * (drift[b] as number),
      }));
      yield { step, steps, phase: 'learning', metrics, samples };
    }
  } finally {
    judge.dispose();
    learn.dispose();
  }
}

/** [B, R] each: log-probs of the policy and of the reference, and the policy's entropies. */
type Judgement = [Float32Array, Float32Array, Float32Array];

function judgingStep(policy: Gpt, refPolicy: Gpt, { temperature }: PolicyGradientSettings): Step<BatchInput> {
  return new Step(
    'scoring',
    (inputs) => {
      const { ids, start, responseMask } = inputs as Record<BatchInput, tf.Tensor> as BatchTensors;
      const promptLength = ids.shape[1] - responseMask.shape[1];
      const [own, ref] = [policy, refPolicy].map((gpt) =>
        responseLogProbs(gpt, ids, start, promptLength, temperature, { mask: responseMask }),
      ) as [ResponseLogProbs, ResponseLogProbs];
      return [own.logProbs, ref.logProbs, own.entropy];
    },
    () => [...policy.parameters.values(), ...refPolicy.parameters.values()],
  );
}

type LearningInput = BatchInput | 'oldLogProbs' | 'refLogProbs' | 'advantages' | 'weights' | 'numbers';

/** One optimiser step of the policy; gives the statistics, and the norm of the gradient. */
function learningStep(
  { policy, refPolicy, optimiser }: PolicyGradientState,
  { ratioOf }: PolicyGradientMethod,
  settings: PolicyGradientSettings,
): Step<LearningInput> {
  const { temperature, entropyCoef } = settings;
  const klLoss = KL_LOSSES[settings.klLoss] ?? 'none';
  const options = { ...settings, klLoss, ratioOf };
  const whole = klLoss === 'exact' || entropyCoef !== 0;
  return new Step(
    'policy gradient',
    (inputs) => {
      const { ids, start, ...given } = inputs as Record<LearningInput, tf.Tensor> as BatchTensors &
        Record<Exclude<LearningInput, BatchInput | 'numbers'>, tf.Tensor2D> & { numbers: tf.Tensor1D };
      const promptLength = ids.shape[1] - given.responseMask.shape[1];
      const refLogits = klLoss === 'exact' ? responseLogits(refPolicy, ids, start, promptLength) : null;
      const { statistics, gradients } = optimiser.differentiate(() =>
        lossGradients(policy.parameters, () => {
          if (!whole) {
            const mask = given.responseMask;
            const { logProbs, entropy } = responseLogProbs(policy, ids, start, promptLength, temperature, { mask });
            return surrogateLoss({ logProbs, entropies: entropy }, given, options);
          }
          const own = responseLogits(policy, ids, start, promptLength);
          const pass = logProbsAndEntropies(own, ids, promptLength, temperature);
          const exact = refLogits && { exactKl: exactKlOfTokens(own, refLogits, given.responseMask, temperature) };
          return surrogateLoss({ ...pass, ...exact }, given, options);
        }),
      );
      return [statistics, optimiser.update(gradients, given.numbers)];
    },
    () => [...policy.parameters.values(), ...refPolicy.parameters.values()],
  );
}

/** All inputs of a minibatch but the optimiser's. */
function minibatchInputs(
  batch: Batch,
  chosen: readonly number[],
  { logProbs, refLogProbs, advantages }: Record<'logProbs' | 'refLogProbs' | 'advantages', Float32Array>,
  { weighting }: PolicyGradientMethod,
  { maxNewTokens }: PolicyGradientSettings,
): Record<Exclude<LearningInput, 'numbers'>, HostTensor> {
  const R = batch.responseLength;
  const rows = selectRows(batch, chosen);
  const of = (values: Float32Array): HostTensor => {
    const own = new Float32Array(chosen.length * R);
    chosen.forEach((row, i) => own.set(values.subarray(row * R, (row + 1) * R), i * R));
    return { values: own, shape: [chosen.length, R] };
  };
  return {
    ...batchInputs(rows),
    oldLogProbs: of(logProbs),
    refLogProbs: of(refLogProbs),
    advantages: of(advantages),
    weights: { values: tokenWeights(rows.responseMask, R, weighting, maxNewTokens), shape: [chosen.length, R] },
  };
}

/** [B] of [B, R] */
function sumsOf(values: Float32Array, R: number): number[] {
  return Array.from({ length: values.length / R }, (_, b) =>
    values.subarray(b * R, (b + 1) * R).reduce((sum, value) => sum + value, 0),
  );
}

const masked = (values: Float32Array, mask: Float32Array): Float32Array =>
  values.map((value, i) => (mask[i] === 0 ? 0 : value));

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
