/** The policy that a run begins with, and what there was before it. */
import { InputError } from '../../errors';
import { gptFrom } from '../../model/checkpoint';
import { cloneGpt, type Gpt } from '../../model/gpt';
import type { HostWeights, Models } from '../models';
import type { SavedState } from '../stage';
import { policyWeightsOf } from './policyCheckpoint';

/**
 * A policy from a saved state, or from the policy or the SFT model that there is; the chat talks to it from now on.
 * @throws InputError without an SFT model
 */
export function startPolicy(
  models: Models,
  saved: SavedState | null,
  continuePolicy: boolean,
): { policy: Gpt; refPolicy: Gpt; attach: () => void } {
  const refPolicy = models.gpt('sft');
  if (!refPolicy)
    throw new InputError('Expected an SFT model to start from, got none.', 'Fine-tune the base model first.');
  const start = (continuePolicy ? models.gpt('policy') : null) ?? refPolicy;
  const policy = saved ? gptFrom(models.shape, policyWeightsOf(saved.weights)) : cloneGpt(start);
  // Until the first update its weights are those of the model that it starts from.
  const weights = saved ? policyWeightsOf(saved.weights) : models.weights(start === refPolicy ? 'sft' : 'policy');
  return { policy, refPolicy, attach: () => models.attach('policy', policy, weights as NonNullable<typeof weights>) };
}

/** Puts back the policy that there was before a run in which no step counted. */
export function undoPolicy(models: Models, before: HostWeights | null): void {
  if (before) models.load('policy', before, 'trained');
  else models.drop('policy');
}
