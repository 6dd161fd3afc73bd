/**
 * Best of n: sample n replies and keep the one that the reward likes best. The policy stays as it is; what it costs is
 * n times the sampling. Its KL from the policy that samples is at most log n - (n - 1) / n: see bestOfN.ts.
 */
import { lengthMultiple } from '../gpu/step';
import { padBatch } from '../model/batch';
import type { Gpt } from '../model/gpt';
import { bestFirst } from './bestOfN';
import { type ControlTokens, sampleResponses } from './rollout';
import type { Scorer } from './scorer';

export interface BestOfN {
  /** [prompts], each with its stop token where it has one */
  responses: number[][];
  finished: boolean[];
  /** Of the replies that were kept. */
  scores: Float32Array;
}

export interface BestOfNRequest {
  n: number;
  temperature: number;
  maxNewTokens: number;
  seed: number;
  signal?: AbortSignal;
}

/** The best of n replies to each prompt; of equal ones the first. */
export async function bestOfN(
  policy: Gpt,
  prompts: readonly number[][],
  tokens: ControlTokens,
  scorer: Scorer,
  { n, ...sampling }: BestOfNRequest,
): Promise<BestOfN> {
  const rows = prompts.flatMap((prompt) => Array.from({ length: n }, () => prompt));
  const { responses, finished } = await sampleResponses(policy, rows, tokens, sampling);
  const batch = padBatch(rows, responses, tokens.pad, policy.shape.context, { multiple: lengthMultiple() });
  const scores = await scorer({ batch, prompts: rows, responses });
  const best = prompts.map((_, p) => p * n + (bestFirst(scores.subarray(p * n, (p + 1) * n))[0] as number));
  return {
    responses: best.map((at) => responses[at] as number[]),
    finished: best.map((at) => finished[at] as boolean),
    scores: Float32Array.from(best, (at) => scores[at] as number),
  };
}
