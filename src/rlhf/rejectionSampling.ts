/**
 * Rejection-sampling fine-tuning: sample several replies to each prompt, keep the best by the reward, imitate them, and
 * sample again from what came of it.
 * Llama 2 (Touvron et al. 2023, arXiv:2307.09288), section 3.2.3; ReST (Gulcehre et al. 2023, arXiv:2308.08998).
 *
 * Our deviation: the optimiser starts anew in each round, and the loss is SFT's, on the reply only.
 */
import { cloneGpt, type Gpt } from '../model/gpt';
import type { AdamW } from '../ops/adamw';
import type { MetricValues } from '../session/protocol';
import { bestOfN } from './bestOfNPolicy';
import type { ControlTokens } from './rollout';
import type { Scorer } from './scorer';
import { type ImitationSettings, sftOptimiser, superviseFineTune } from './sft';
import type { TrainingStep } from './trainingStep';

export interface RejectionSamplingSettings {
  rounds: number;
  /** Prompts of a round. */
  prompts: number;
  /** Replies of which the best is kept. */
  n: number;
  /** How they are imitated; `examples` is not read. */
  sft: ImitationSettings;
  temperature: number;
  maxNewTokens: number;
}

export interface RejectionSamplingRun {
  settings: RejectionSamplingSettings;
  tokens: ControlTokens;
  seed: number;
  /** Prompts of a round, in tokens: the same for the same round. */
  promptsOf(round: number): number[][];
  scorer: Scorer;
  /** Rounds done, of a run that goes on; 0 unless given. */
  from?: number;
  /** What the replies that were kept are worth by a truth that is never learnt from; one to each prompt. */
  judge?: (round: number, responses: readonly number[][], finished: readonly boolean[]) => MetricValues;
  signal?: AbortSignal;
}

/** A policy that starts as a copy of another. */
export const rejectionSamplingPolicy = (refPolicy: Gpt): Gpt => cloneGpt(refPolicy);

/**
 * Trains the policy in place; yields before each round and after it.
 * @throws NonFiniteError, CancelledError; the weights are then for the caller to restore
 */
export async function* rejectionSampling(policy: Gpt, run: RejectionSamplingRun): AsyncGenerator<TrainingStep> {
  const { settings, tokens, scorer, signal } = run;
  const { rounds: steps, n, temperature, maxNewTokens } = settings;
  for (let round = run.from ?? 0; round < steps; round++) {
    const step = round + 1;
    const seed = (Math.imul(run.seed, 0x9e3779b1) + step) >>> 0;
    yield { step, steps, phase: 'sampling replies' };
    const prompts = run.promptsOf(round);
    const sampling = { n, temperature, maxNewTokens, seed, ...(signal ? { signal } : {}) };
    const { responses, scores, finished } = await bestOfN(policy, prompts, tokens, scorer, sampling);
    yield { step, steps, phase: 'imitating the best' };
    const examples = prompts.map((prompt, p) => ({ prompt, response: responses[p] as number[] }));
    const optimiser: AdamW = sftOptimiser(policy);
    let loss = NaN;
    try {
      for await (const { metrics } of superviseFineTune(policy, optimiser, examples, settings.sft, tokens.pad, seed))
        loss = metrics?.['loss'] ?? loss;
    } finally {
      optimiser.dispose();
    }
    const metrics: MetricValues = {
      loss,
      'objective/scores': scores.reduce((sum, score) => sum + score, 0) / scores.length,
      'val/num_eos_tokens': finished.filter(Boolean).length,
      'tokens/responses_len_mean': responses.reduce((sum, { length }) => sum + length, 0) / responses.length,
      ...run.judge?.(round, responses, finished),
    };
    yield { step, steps, phase: 'imitating the best', metrics };
  }
}
