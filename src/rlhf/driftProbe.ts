/**
 * The drift of a policy whose own method has no use for it: what learns from replies that others wrote, or keeps but the
 * best of its own, never sees what the policy says now.
 *
 * After every few steps, and after the last, the policy answers some prompts, and the mean over its replies of
 * Σ (log pi - log piRef) (k1, kl.ts) joins what the step reports. Nothing is learned from it, and nothing drawn from the
 * randomness of the method, so that a run with the probe has the weights of one without.
 */
import type { Gpt } from '../model/gpt';
import { type ControlTokens, driftOf, sampleResponses } from './rollout';
import type { TrainingStep } from './trainingStep';

export interface DriftProbe {
  /** In tokens; each is answered once. */
  prompts: readonly number[][];
  tokens: ControlTokens;
  /** At which the policy answers and is scored, > 0. */
  temperature: number;
  maxNewTokens: number;
  seed: number;
  /** Steps from one measurement to the next. */
  every: number;
}

/** Prompts that are enough for a probe: with a spread of 4 nats a reply the mean is known to 0.7. */
export const PROBE_PROMPTS = 32;

/** The steps of a method, every few of them with `objective/kl`, nats a reply. */
export async function* withDrift(
  steps: AsyncGenerator<TrainingStep>,
  { policy, refPolicy }: { policy: Gpt; refPolicy: Gpt },
  { prompts, tokens, temperature, maxNewTokens, seed, every }: DriftProbe,
  signal?: AbortSignal,
): AsyncGenerator<TrainingStep> {
  for await (const one of steps) {
    const { step, steps: all, metrics } = one;
    if (!metrics || (step % every !== 0 && step !== all)) {
      yield one;
      continue;
    }
    yield { step, steps: all, phase: 'measuring the drift' };
    const sampling = { temperature, maxNewTokens, seed: (Math.imul(seed, 0x85ebca6b) + step) >>> 0 };
    const { responses } = await sampleResponses(policy, prompts, tokens, { ...sampling, ...(signal && { signal }) });
    const drift = await driftOf(policy, refPolicy, prompts, responses, tokens.pad, temperature);
    yield {
      ...one,
      metrics: { ...metrics, 'objective/kl': drift.reduce((sum, nats) => sum + nats, 0) / drift.length },
    };
  }
}
