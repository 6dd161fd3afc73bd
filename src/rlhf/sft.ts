/**
 * Supervised fine-tuning: imitate demonstrations, with the loss on the reply only.
 * InstructGPT (Ouyang et al. 2022), section 3.5; the mask as in TRL's completion-only loss. Our deviation: the page's
 * batches are of demonstrations of like length (likeLengths.ts).
 *
 *   L = - sum_rows sum_t m_t log pi(y_t | x, y_<t) / sum m
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { SftSettings } from '../config';
import { NonFiniteError } from '../errors';
import { type HostTensor, lengthMultiple, Step } from '../gpu/step';
import { type Batch, batchInputs, padBatch } from '../model/batch';
import { statesAndHead, type Gpt } from '../model/gpt';
import { gradientsOf } from '../model/lossGradients';
import { AdamW } from '../ops/adamw';
import { headCrossEntropy } from '../ops/outputHead';
import { responseRows } from '../ops/responseRows';
import type { Message } from '../session/protocol';
import { encodeReply, renderPrompt } from '../text/chatTemplate';
import type { Tokenizer } from '../text/tokenizer';
import { batchesOfLikeLength, type Batching, blindBatches } from './likeLengths';
import { linearToZero, rateForWidth } from './schedule';
import { shareOf, sumOverTeam, type Team } from './team';
import type { TrainingStep } from './trainingStep';

/** How demonstrations are learnt, whichever they are. */
export type ImitationSettings = Omit<SftSettings, 'padIsStop'>;

/** A demonstration in tokens; the response ends with the stop token. */
export interface TokenisedExample {
  prompt: number[];
  response: number[];
}

/** A demonstration in tokens: half of the context for prompt and reply each, so that any of them fit into one batch. */
export function tokenisedExample(
  tokenizer: Tokenizer,
  conversation: readonly Message[],
  reply: string,
  context: number,
): TokenisedExample {
  const maxTokens = Math.floor(context / 2);
  const prompt = renderPrompt(tokenizer, conversation, { template: 'chat', maxTokens }).ids;
  return { prompt, response: encodeReply(tokenizer, reply).slice(0, maxTokens) };
}

export const sftOptimiser = (gpt: Gpt): AdamW => new AdamW(gpt.parameters, { form: 'torch', epsilon: 1e-8 });

/**
 * What lengths are rounded up to. Where every pair of lengths is a recording, batches of like length would bring more of
 * them than a step remembers, so there twice as much.
 */
export const sftLengthMultiple = (): number => (lengthMultiple() === 1 ? 1 : 2 * lengthMultiple());

/** Optimiser steps of a run. */
export function sftSteps(examples: number, { epochs, batchSize }: ImitationSettings): number {
  return epochs * Math.ceil(examples / batchSize);
}

/**
 * Trains `gpt` in place and yields after every step.
 * @param pad fills rows; never the stop token
 * @param team every member is given the same examples and takes the same steps
 * @param batching how an epoch is cut into batches; blindly unless given
 * @throws NonFiniteError; the weights are then for the caller to restore
 */
export async function* superviseFineTune(
  gpt: Gpt,
  optimiser: AdamW,
  examples: readonly TokenisedExample[],
  settings: ImitationSettings,
  pad: number,
  seed: number,
  { team = null, batching = blindBatches }: { team?: Team | null; batching?: Batching } = {},
): AsyncGenerator<TrainingStep> {
  const { batchSize, learningRate } = settings;
  const steps = sftSteps(examples.length, settings);
  const stepsPerEpoch = Math.ceil(examples.length / batchSize);
  let epoch = -1;
  let batches: number[][] = [];
  const examplesOf = (step: number): TokenisedExample[] => {
    if (epoch !== Math.floor(step / stepsPerEpoch)) {
      epoch = Math.floor(step / stepsPerEpoch);
      batches = batching(examples, batchSize, seed, epoch);
    }
    return (batches[step % stepsPerEpoch] ?? []).map((i) => examples[i] as TokenisedExample);
  };
  const replyTokens = (step: number): number =>
    examplesOf(step).reduce((sum, { response }) => sum + response.length, 0);
  let seen = 0;
  for (let step = 0; step < optimiser.step; step++) seen += replyTokens(step); // of a run that goes on
  const learn = sftStep(gpt, optimiser, team);
  try {
    while (optimiser.step < steps) {
      const chosen = shareOf(examplesOf(optimiser.step), team);
      if (chosen.length === 0) throw new RangeError('Expected at least one example of a batch for each of a team.');
      const tokens = replyTokens(optimiser.step);
      seen += tokens;
      const batch = padBatch(
        chosen.map(({ prompt }) => prompt),
        chosen.map(({ response }) => response),
        pad,
        gpt.shape.context,
        { multiple: sftLengthMultiple() },
      );
      const rate = linearToZero(learningRate, optimiser.step, steps);
      const numbers = { values: optimiser.advance(rate), shape: [3] };
      const read = await learn.read({ ...sftInputs(batch, tokens), numbers });
      const [loss, norm] = read.map(([value]) => value) as [number, number];
      if (!Number.isFinite(loss + norm)) throw new NonFiniteError('The SFT loss', optimiser.step);
      yield {
        step: optimiser.step,
        steps,
        phase: 'imitating demonstrations',
        metrics: {
          loss,
          perplexity: Math.exp(loss),
          grad_norm: norm,
          learning_rate: rate,
          num_tokens: seen,
        },
      };
    }
  } finally {
    learn.dispose();
  }
}

/**
 * SFT as the page and the shipped models have it: batches of like length, and a learning rate that is given for nano's
 * width. Parameters as of `superviseFineTune`.
 */
export function fineTuneOnDemonstrations(
  gpt: Gpt,
  optimiser: AdamW,
  examples: readonly TokenisedExample[],
  settings: ImitationSettings,
  pad: number,
  seed: number,
  team: Team | null = null,
): AsyncGenerator<TrainingStep> {
  const learningRate = rateForWidth(settings.learningRate, gpt.shape.width);
  const how = { team, batching: batchesOfLikeLength };
  return superviseFineTune(gpt, optimiser, examples, { ...settings, learningRate }, pad, seed, how);
}

export type SftInput =
  | 'ids' // [B, P + R] int32
  | 'start' // [B] int32
  | 'targets' // [B R] int32, the response
  | 'weights'; // [B R], what each of its tokens counts: 1 / (tokens of all responses), 0 on padding

const tokensOf = ({ responseMask }: Batch): number => responseMask.reduce((sum, counts) => sum + counts, 0);

/**
 * A batch as the loss takes it.
 * @param count tokens of all responses, where other members of a team have some of them
 */
export function sftInputs(batch: Batch, count = tokensOf(batch)): Record<SftInput, HostTensor> {
  const { ids, start } = batchInputs(batch);
  const { responseMask, promptLength, responseLength } = batch;
  const length = promptLength + responseLength;
  const shape = [responseMask.length];
  return {
    ids,
    start,
    targets: { values: batch.ids.filter((_, i) => i % length >= promptLength), shape },
    weights: { values: responseMask.map((counts) => counts / count), shape },
  };
}

/**
 * One optimiser step; gives the loss and the norm of its gradient.
 * @param team of which each member has its share of the batch
 */
export function sftStep(gpt: Gpt, optimiser: AdamW, team: Team | null = null): Step<SftInput | 'numbers'> {
  return new Step(
    'fine-tuning',
    (inputs) => {
      const ids = inputs.ids as tf.Tensor2D;
      const [rows, length] = ids.shape;
      const promptLength = length - inputs.targets.size / rows;
      const { loss, gradients } = optimiser.differentiate(() =>
        gradientsOf(gpt.parameters, () => {
          const { hidden, wte } = statesAndHead(gpt, ids, inputs.start as tf.Tensor1D);
          const states = responseRows(hidden, promptLength);
          const [targets, weights] = [inputs.targets as tf.Tensor1D, inputs.weights as tf.Tensor1D];
          return headCrossEntropy(states, wte, targets, weights, gpt.maxLogitsBytes);
        }),
      );
      if (team) sumOverTeam(team, [loss, ...gradients.values()]);
      return [loss, optimiser.update(gradients, inputs.numbers as tf.Tensor1D)];
    },
    () => gpt.parameters.values(),
  );
}
