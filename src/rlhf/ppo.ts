/**
 * PPO on language: sample, score, and learn from each batch for a few epochs of minibatches.
 * Schulman et al. 2017, algorithm 1; applied to replies as in InstructGPT (Ouyang et al. 2022), section 3.5.
 *
 * Our deviations: the value model is a model of its own, started from the reward model, with its own optimiser;
 * advantages are whitened over the whole batch (lm-human-preferences does it per minibatch, which at this scale doubles
 * the approximate KL); learning rates fall to 0 over the run.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { PpoSettings } from '../config';
import { NonFiniteError, RatioError } from '../errors';
import { nextMacrotask } from '../gpu/macrotask';
import { type HostTensor, lengthMultiple, type Reader, Step } from '../gpu/step';
import { batchInputs, selectRows, type BatchInput, type Lengths } from '../model/batch';
import type { Gpt } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { scalarParameters, type ScalarModel } from '../model/scalarHead';
import { AdamW } from '../ops/adamw';
import { permutation } from '../ops/counterRandom';
import type { MetricValues, TrainingSample } from '../session/protocol';
import type { KlController } from './adaptiveKlController';
import { explainedVariance, gae } from './gae';
import { POLICY_STATISTICS, policyLoss, VALUE_STATISTICS, valueLoss } from './ppoLoss';
import { penaliseMissingEos, shapedRewards } from './rewards';
import {
  sampleResponses,
  scoreEpisodes,
  scoringStep,
  stateValues,
  type ControlTokens,
  type Episodes,
  type RolloutModels,
} from './rollout';
import { linearToZero } from './schedule';
import type { TrainingStep } from './trainingStep';
import { whiten } from './whiten';

/** Largest |ratio - 1| on the first minibatch of an update, where the policy is still the one that sampled. */
const RATIO_TOLERANCE = 1e-4;

/** Everything that changes in a run; its tensors are the caller's. */
export interface PpoState {
  models: RolloutModels;
  policyOptimiser: AdamW;
  valueOptimiser: AdamW;
  klController: KlController;
  /** Updates done. */
  update: number;
}

/** Adam in TensorFlow 1's form, epsilon 1e-5, as the RLHF papers ran it. */
export function ppoOptimisers(policy: Gpt, valueModel: ScalarModel, { maxGradNorm }: PpoSettings): [AdamW, AdamW] {
  const options = { form: 'tf1', epsilon: 1e-5, maxGradNorm } as const;
  return [new AdamW(policy.parameters, options), new AdamW(scalarParameters(valueModel), options)];
}

export interface PpoRun {
  settings: PpoSettings;
  tokens: ControlTokens;
  seed: number;
  /** Prompts of an update, in tokens: the same for the same update. */
  promptsOf(update: number): number[][];
  /** Turns tokens into the text of a sample. */
  describe(prompt: number[], response: number[]): { prompt: string; reply: string };
  signal?: AbortSignal;
}

/** Samples shown an update. */
const SHOWN_SAMPLES = 4;

/**
 * Runs updates until `settings.updates` are done; yields at each phase, and with metrics after each update.
 * @throws RatioError, NonFiniteError, CancelledError; the weights are then for the caller to restore
 */
export async function* ppo(state: PpoState, run: PpoRun): AsyncGenerator<TrainingStep> {
  const { settings, tokens } = run;
  const steps = settings.updates;
  const scoring = scoringStep(state.models, settings.temperature);
  const minibatch = minibatchStep(state, settings);
  const lengths = lengthsOf(run);
  try {
    while (state.update < steps) {
      const step = state.update + 1;
      yield { step, steps, phase: 'sampling replies' };
      const prompts = run.promptsOf(state.update);
      const seed = (Math.imul(run.seed, 0x9e3779b1) + step) >>> 0;
      const sampling = { temperature: settings.temperature, maxNewTokens: settings.maxNewTokens, seed, lengths };
      const sampled = await sampleResponses(
        state.models.policy,
        prompts,
        tokens,
        run.signal ? { ...sampling, signal: run.signal } : sampling,
      );

      yield { step, steps, phase: 'scoring replies' };
      const episodes = await scoreEpisodes(
        state.models,
        prompts,
        sampled,
        tokens,
        settings.temperature,
        scoring,
        lengths,
      );
      const experience = experienceOf(episodes, state.klController.klCoef, settings);

      yield { step, steps, phase: 'learning' };
      const learned = await learn(state, minibatch, episodes, experience, settings, seed);
      const { metrics, samples } = report(state, episodes, experience, prompts, run);
      const meanKl = metrics['objective/kl'] as number;
      if (settings.adaptiveKl) state.klController.update(meanKl, prompts.length);
      state.update = step;
      yield { step, steps, phase: 'learning', metrics: { ...metrics, ...learned }, samples };
    }
  } finally {
    scoring.dispose();
    minibatch.dispose();
  }
}

/**
 * One length for every prompt of the run and one for every response, so that each step is recorded once; on the host
 * backends, which record nothing, rows are as long as they need to be. Counted over all updates, done ones too: a run
 * that was stopped goes on with the same shapes, and so with the same bits.
 */
function lengthsOf({ settings, promptsOf }: PpoRun): Lengths {
  const multiple = lengthMultiple();
  if (multiple === 1) return {};
  let prompt = 1;
  for (let update = 0; update < settings.updates; update++) {
    for (const { length } of promptsOf(update)) prompt = Math.max(prompt, length);
  }
  return { multiple, prompt, response: settings.maxNewTokens };
}

interface Experience {
  /** [B] after the penalty for a missing stop token */
  penalisedScores: Float32Array;
  /** [B] */
  kl: Float32Array;
  nonScoreRewards: Float32Array;
  /** [B, R] whitened */
  advantages: Float32Array;
  /** [B, R] */
  returns: Float32Array;
}

function experienceOf(episodes: Episodes, klCoef: number, settings: PpoSettings): Experience {
  const { batch, oldLogProbs, refLogProbs, oldValues, scores, finished } = episodes;
  const { responseLength, responseMask } = batch;
  const penalisedScores = penaliseMissingEos(scores, finished, settings.missingEosPenalty);
  const { rewards, kl, nonScoreRewards } = shapedRewards(
    { logProbs: oldLogProbs, refLogProbs, responseMask, scores: penalisedScores },
    responseLength,
    klCoef,
  );
  const { advantages, returns } = gae(rewards, oldValues, responseMask, responseLength, settings.gamma, settings.lam);
  return { penalisedScores, kl, nonScoreRewards, advantages: whiten(advantages, responseMask), returns };
}

/** The epochs of minibatches of one update; returns their statistics. */
async function learn(
  state: PpoState,
  minibatch: MinibatchStep,
  episodes: Episodes,
  experience: Experience,
  settings: PpoSettings,
  seed: number,
): Promise<MetricValues> {
  const { ppoEpochs, minibatchSize } = settings;
  const rows = episodes.batch.rows;
  const learningRate = linearToZero(settings.learningRate, state.update, settings.updates);
  const valueLearningRate = linearToZero(settings.valueLearningRate, state.update, settings.updates);
  const readers: Reader[] = [];
  for (let epoch = 0; epoch < ppoEpochs; epoch++) {
    const order = permutation(rows, seed, 0xe70c + epoch);
    for (let first = 0; first < rows; first += minibatchSize) {
      const chosen = order.slice(first, first + minibatchSize);
      readers.push(
        minibatch.run({
          ...minibatchInputs(episodes, experience, chosen),
          policyNumbers: { values: state.policyOptimiser.advance(learningRate), shape: [3] },
          valueNumbers: { values: state.valueOptimiser.advance(valueLearningRate), shape: [3] },
        }),
      );
      await nextMacrotask();
    }
  }
  const statistics = await Promise.all(readers.map(async (read) => (await read()).flatMap((part) => [...part])));
  return summarise(statistics, learningRate, state.update + 1);
}

type MinibatchInput = BatchInput | 'oldLogProbs' | 'advantages' | 'oldValues' | 'returns';
type MinibatchStep = Step<MinibatchInput | 'policyNumbers' | 'valueNumbers'>;

/** One optimiser step of policy and value model on a minibatch; gives `MINIBATCH_STATISTICS`, in four parts. */
export function minibatchStep(
  { models, policyOptimiser, valueOptimiser }: Omit<PpoState, 'klController' | 'update'>,
  { temperature, clipRange, clipRangeValue, vfCoef }: PpoSettings,
): MinibatchStep {
  return new Step(
    'PPO minibatch',
    (inputs) => {
      const { policyNumbers, valueNumbers } = inputs as Record<string, tf.Tensor> as Record<
        'policyNumbers' | 'valueNumbers',
        tf.Tensor1D
      >;
      const { ids, responseMask, oldLogProbs, advantages, oldValues, returns } = inputs as Record<
        MinibatchInput,
        tf.Tensor
      > as Record<MinibatchInput, tf.Tensor2D>;
      const start = inputs.start as tf.Tensor1D;
      const promptLength = ids.shape[1] - responseMask.shape[1];
      const policy = policyOptimiser.differentiate(() =>
        lossGradients(models.policy.parameters, () => {
          const { logProbs, entropy } = responseLogProbs(models.policy, ids, start, promptLength, temperature);
          return policyLoss(logProbs, entropy, { oldLogProbs, advantages, responseMask }, clipRange);
        }),
      );
      const value = valueOptimiser.differentiate(() =>
        lossGradients(scalarParameters(models.valueModel), () => {
          const values = stateValues(models.valueModel, ids, start, promptLength);
          return valueLoss(values, { oldValues, returns, responseMask }, clipRangeValue, vfCoef);
        }),
      );
      return [
        policy.statistics,
        value.statistics,
        policyOptimiser.update(policy.gradients, policyNumbers),
        valueOptimiser.update(value.gradients, valueNumbers),
      ];
    },
    () => [...models.policy.parameters.values(), ...scalarParameters(models.valueModel).values()],
  );
}

/** The chosen rows of what the rollout gave. */
function minibatchInputs(
  episodes: Episodes,
  { advantages, returns }: Experience,
  chosen: number[],
): Record<MinibatchInput, HostTensor> {
  const batch = selectRows(episodes.batch, chosen);
  const { rows, responseLength } = batch;
  const take = (values: Float32Array): HostTensor => ({
    values: selectTokens(values, chosen, responseLength),
    shape: [rows, responseLength],
  });
  return {
    ...batchInputs(batch),
    oldLogProbs: take(episodes.oldLogProbs),
    advantages: take(advantages),
    oldValues: take(episodes.oldValues),
    returns: take(returns),
  };
}

function selectTokens(values: Float32Array, chosen: readonly number[], width: number): Float32Array {
  const selected = new Float32Array(chosen.length * width);
  chosen.forEach((row, i) => selected.set(values.subarray(row * width, (row + 1) * width), i * width));
  return selected;
}

const MINIBATCH_STATISTICS = [...POLICY_STATISTICS, ...VALUE_STATISTICS, 'policy/grad_norm', 'value/grad_norm'];

/**
 * Means over the minibatches of an update.
 * @throws RatioError where the policy of the first minibatch was not the one that sampled
 */
function summarise(statistics: readonly number[][], learningRate: number, update: number): MetricValues {
  const firstDeviation = statistics[0]?.[POLICY_STATISTICS.indexOf('val/ratio_deviation')] as number;
  if (!Number.isFinite(firstDeviation)) throw new NonFiniteError('A probability ratio', update);
  if (firstDeviation > RATIO_TOLERANCE) throw new RatioError(firstDeviation, update);
  const metrics: MetricValues = { 'val/ratio_first_deviation': firstDeviation, lr: learningRate };
  MINIBATCH_STATISTICS.forEach((name, index) => {
    const all = statistics.map((values) => values[index] as number);
    if (!all.every(Number.isFinite)) throw new NonFiniteError(`PPO's ${name}`, update);
    metrics[name] = name === 'val/ratio_deviation' ? Math.max(...all) : mean(all);
    if (name === 'val/ratio') metrics['val/ratio_var'] = variance(all);
  });
  return metrics;
}

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

const variance = (values: readonly number[]): number => {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
};

/** What the rollout of an update says, under TRL's names. */
function report(
  state: PpoState,
  episodes: Episodes,
  experience: Experience,
  prompts: readonly number[][],
  run: PpoRun,
): { metrics: MetricValues; samples: TrainingSample[] } {
  const klCoef = state.klController.klCoef;
  const { scores, finished, responses, batch, oldValues } = episodes;
  const lengths = responses.map((response) => response.length);
  const metrics: MetricValues = {
    'objective/kl': mean(experience.kl),
    'objective/kl_coef': klCoef,
    'objective/scores': mean(experience.penalisedScores),
    'objective/non_score_reward': mean(experience.nonScoreRewards),
    'objective/rlhf_reward': mean(experience.penalisedScores) + mean(experience.nonScoreRewards),
    'objective/entropy': mean(episodes.entropies.map((entropy, b) => entropy * (lengths[b] as number))),
    'val/explained_variance': explainedVariance(experience.returns, oldValues, batch.responseMask),
    'val/num_eos_tokens': finished.filter(Boolean).length,
    'tokens/responses_len_mean': mean(lengths),
    episode: (state.update + 1) * prompts.length,
  };
  const samples = prompts.slice(0, SHOWN_SAMPLES).map((prompt, b): TrainingSample => {
    const kl = experience.kl[b] as number;
    const score = scores[b] as number;
    return { ...run.describe(prompt, responses[b] as number[]), score, kl, total: score - klCoef * kl };
  });
  return { metrics, samples };
}
