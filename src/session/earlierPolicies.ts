/** Policies of earlier rounds: on the device only while they are asked something. */
import { MAX_RESPONSE_TOKENS } from '../config';
import { gptFrom } from '../model/checkpoint';
import { disposeGpt, type Gpt } from '../model/gpt';
import { readSafetensors } from '../model/safetensors';
import { type Contender, tournament } from '../rlhf/tournament';
import { GOLD_WEIGHTS } from '../text/world/gold';
import { goldWeightsOf } from './catalogue';
import type { Commands, Results } from './protocol';
import type { Workshop } from './workshop';

const SAMPLES = 2;

/**
 * Has an earlier policy while `work` runs.
 * @throws CheckpointError where the bytes are no model of this size
 */
export async function withEarlier<T>(
  { models }: Workshop,
  bytes: ArrayBuffer,
  work: (gpt: Gpt) => Promise<T>,
): Promise<T> {
  const gpt = gptFrom(models.shape, readSafetensors(bytes).tensors);
  try {
    return await work(gpt);
  } finally {
    disposeGpt(gpt);
  }
}

/** The SFT model first, then the policies, on the same held-out prompts, sampled as in training. */
export function rateEarlier(
  workshop: Workshop,
  { policies, prompts, seed, weights }: Commands['policies.rate'],
  signal: AbortSignal,
  onprogress: (done: number, total: number) => void,
): Promise<Results['policies.rate']> {
  const { models, tokenizer, world } = workshop;
  const sft = models.gpt('sft');
  const contenders: Contender[] = [
    ...(sft ? [{ name: 'SFT', role: 'sft', borrow: <T>(work: (gpt: Gpt) => Promise<T>) => work(sft) } as const] : []),
    ...policies.map(({ name, bytes }): Contender => ({
      name,
      role: 'policy',
      borrow: (work) => withEarlier(workshop, bytes, work),
    })),
  ];
  const sampling = { samplesPerPrompt: SAMPLES, temperature: 1, maxNewTokens: MAX_RESPONSE_TOKENS, seed };
  const judge = weights ? goldWeightsOf(weights) : GOLD_WEIGHTS;
  const request = { ...sampling, prompts, weights: judge, signal };
  return tournament(contenders, tokenizer, world, request, onprogress);
}
