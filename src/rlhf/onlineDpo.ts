/**
 * Online DPO: the policy's own replies of this moment, ordered by a reward, in place of a fixed set of comparisons.
 * Guo et al. 2024 (arXiv:2402.04792): what DPO learns from then keeps up with what the policy says.
 *
 * Each update samples K replies of G prompts, ranks each prompt's by the scorer, and takes one step of a
 * `PreferenceMethod` on all pairs. Our deviations: the scorer is a reward model or a function (the paper asks another
 * language model), K may be more than 2, and the guard of preferenceOptimisation.ts may hold on to the best of each K.
 */
import type { PreferenceSettings } from '../config';
import { lengthMultiple } from '../gpu/step';
import { padBatch } from '../model/batch';
import type { MetricValues } from '../session/protocol';
import { PreferenceLearner, type PreferenceMethod, type PreferenceState } from './preferenceOptimisation';
import { penaliseMissingEos } from './rewards';
import type { TokenisedRanking } from './rewardModel';
import { type ControlTokens, driftOf, sampleResponses } from './rollout';
import { linearToZero } from './schedule';
import type { Scorer } from './scorer';
import type { TrainingStep } from './trainingStep';

export interface OnlineSettings {
  updates: number;
  /** G: prompts of an update. */
  prompts: number;
  /** K: replies of each, at least 2. */
  replies: number;
  temperature: number;
  maxNewTokens: number;
  missingEosPenalty: number;
}

export interface OnlineDpoRun {
  method: PreferenceMethod;
  settings: PreferenceSettings;
  online: OnlineSettings;
  tokens: ControlTokens;
  seed: number;
  /** G prompts of an update, in tokens: the same for the same update. */
  promptsOf(update: number): number[][];
  scorer: Scorer;
  /** Updates done, of a run that goes on; 0 unless given. */
  from?: number;
  /** What the replies of an update are worth by a truth that is never learnt from; K to each prompt. */
  judge?: (update: number, responses: readonly number[][], finished: readonly boolean[]) => MetricValues;
  signal?: AbortSignal;
}

/**
 * Trains the policy in place; yields at each phase, and with metrics after each update.
 * @throws NonFiniteError, CancelledError; the weights are then for the caller to restore
 */
export async function* onlineDpo(state: PreferenceState, run: OnlineDpoRun): AsyncGenerator<TrainingStep> {
  const { policy, refPolicy } = state;
  const { updates: steps, replies: K, temperature, maxNewTokens, missingEosPenalty } = run.online;
  const learner = new PreferenceLearner(state, run.method, run.settings, run.tokens.pad);
  try {
    // An update in which all replies tie takes no step, so updates are counted apart from the optimiser's.
    for (let update = run.from ?? 0; update < steps; update++) {
      const step = update + 1;
      const seed = (Math.imul(run.seed, 0x9e3779b1) + step) >>> 0;
      yield { step, steps, phase: 'sampling replies' };
      const asked = run.promptsOf(update);
      const prompts = asked.flatMap((prompt) => Array.from({ length: K }, () => prompt));
      const sampling = { temperature, maxNewTokens, seed, ...(run.signal ? { signal: run.signal } : {}) };
      const { responses, finished } = await sampleResponses(policy, prompts, run.tokens, sampling);
      yield { step, steps, phase: 'scoring replies' };
      const batch = padBatch(prompts, responses, run.tokens.pad, policy.shape.context, { multiple: lengthMultiple() });
      const scores = penaliseMissingEos(await run.scorer({ batch, prompts, responses }), finished, missingEosPenalty);
      const rankings = asked.flatMap((prompt, g): TokenisedRanking[] => {
        const own = [...scores.subarray(g * K, (g + 1) * K)];
        const ranks = own.map((score) => 1 + own.filter((other) => other > score).length);
        const replies = responses.slice(g * K, (g + 1) * K);
        return ranks.every((rank) => rank === 1) ? [] : [{ prompt, replies, ranks }];
      });
      const drift = await driftOf(policy, refPolicy, prompts, responses, run.tokens.pad, temperature);
      yield { step, steps, phase: 'learning' };
      const rate = linearToZero(run.settings.learningRate, update, steps);
      const learned = rankings.length > 0 ? await learner.learn(rankings, rate) : {};
      const metrics = {
        ...learned,
        'objective/scores': mean(scores),
        'objective/kl': mean(drift),
        frac_reward_zero_std: 1 - rankings.length / asked.length,
        'val/num_eos_tokens': finished.filter(Boolean).length,
        'tokens/responses_len_mean': responses.reduce((sum, { length }) => sum + length, 0) / responses.length,
        ...run.judge?.(update, responses, finished),
      };
      yield { step, steps, phase: 'learning', metrics };
    }
  } finally {
    learner.dispose();
  }
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
