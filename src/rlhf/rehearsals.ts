/**
 * What each stage will ask of the device, as code to be rehearsed (`gpu/rehearsal.ts`): the steps themselves, on models
 * of zeros and on batches of the lengths that the world's own prompts and replies have.
 *
 * The lengths matter: a kernel is cut by the size of its product, and chosen by it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type ModelShape, REPLIES_PER_PROMPT, type Settings } from '../config';
import { type HostTensor, lengthMultiple } from '../gpu/step';
import { type Batch, batchInputs, padBatch, padPrompts } from '../model/batch';
import { Decoder } from '../model/decoder';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { parameterShapes } from '../model/parameters';
import { disposeRewardModel, rewardModelFrom, type RewardModel } from '../model/rewardHead';
import { cloneScalarModel, disposeScalarModel } from '../model/scalarHead';
import { batchesOfLikeLength } from './likeLengths';
import { ppoOptimisers } from './ppo';
import { PpoSteps } from './ppoSteps';
import { pretrainingOptimiser, pretrainingStep, windowBatch } from './pretraining';
import {
  normaliseHead,
  poolingWeights,
  rankingBatch,
  rankingInputs,
  rewardModelOptimiser,
  rewardModelStep,
  scoreReplies,
} from './rewardModel';
import { driftOf, type ControlTokens } from './rollout';
import { sftInputs, sftLengthMultiple, sftOptimiser, sftStep, type TokenisedExample } from './sft';

export interface Occasion {
  shape: ModelShape;
  settings: Settings;
  /** Prompts and replies as they will come, the more the likelier that every length is among them. */
  examples: readonly TokenisedExample[];
  tokens: ControlTokens;
  /** Whether there is a base model; without one it has to be pretrained, and there is nothing else to do. */
  pretrained: boolean;
}

/** Rows of the batches whose scores normalise a reward model. */
const NORMALISED_AT_ONCE = 64;

/** One piece a batch, in the order in which a person comes to need them; each takes some milliseconds. */
export function* rehearsals(occasion: Occasion): Generator<() => void> {
  if (!occasion.pretrained) {
    yield () => rehearsePretraining(occasion);
    return;
  }
  const { settings } = occasion;
  for (const batch of batchesOf(occasion, settings.rewardModel.rankingsPerStep)) {
    yield () => rehearseRewardModel(occasion, batch);
  }
  yield () => rehearseDecoding(occasion, NORMALISED_AT_ONCE, 1, settings.ppo.maxNewTokens);
  yield () => rehearseDecoding(occasion, settings.ppo.batchSize, settings.ppo.temperature, settings.ppo.maxNewTokens);
  yield () =>
    rehearsePpo(occasion, (steps, batch) => {
      const finished = Array.from({ length: batch.rows }, () => true);
      steps.score(batch, finished, settings.ppo.klCoef);
    });
  yield () =>
    rehearsePpo(occasion, (steps, batch) => {
      const rows = Array.from({ length: settings.ppo.minibatchSize }, (_, row) => row % batch.rows);
      steps.learn(batch, rows, settings.ppo.learningRate, settings.ppo.valueLearningRate);
    });
  yield () => rehearseChat(occasion);
  const { examples } = occasion;
  const alike = batchesOfLikeLength(examples, settings.sft.batchSize, 0, 0).map((batch) =>
    batch.map((i) => examples[i] as TokenisedExample),
  );
  for (const batch of ofEachLength(alike, settings.sft.batchSize, sftLengthMultiple())) {
    yield () => rehearseFineTuning(occasion, batch);
  }
  // A person's rankings seldom fill the last batch, or even the first.
  for (let count = settings.rewardModel.rankingsPerStep - 1; count > 0; count--) {
    yield () => rehearseRewardModel(occasion, occasion.examples.slice(0, count));
  }
}

function rehearsePretraining({ shape, settings: { pretrain } }: Occasion): void {
  const gpt = blankGpt(shape);
  const optimiser = pretrainingOptimiser(gpt);
  const length = Math.min(pretrain.sequenceLength, shape.context) + 1;
  pretrainingStep(gpt, optimiser).run({
    ...windowBatch(new Int32Array(pretrain.batchSize * length), length),
    numbers: numbers(),
  });
  optimiser.dispose();
  disposeGpt(gpt);
}

function rehearseFineTuning({ shape, tokens }: Occasion, examples: readonly TokenisedExample[]): void {
  const base = blankGpt(shape);
  const gpt = cloneGpt(base);
  const optimiser = sftOptimiser(gpt);
  const { prompts, replies } = columnsOf(examples);
  const batch = padBatch(prompts, replies, tokens.pad, shape.context, { multiple: sftLengthMultiple() });
  sftStep(gpt, optimiser).run({ ...sftInputs(batch), numbers: numbers() });
  optimiser.dispose();
  for (const model of [gpt, base]) disposeGpt(model);
}

function rehearseRewardModel({ shape, settings, tokens }: Occasion, examples: readonly TokenisedExample[]): void {
  const model = blankRewardModel(shape);
  const optimiser = rewardModelOptimiser(model);
  const ranks = Array.from({ length: REPLIES_PER_PROMPT }, (_, i) => i + 1);
  const rankings = examples.map(({ prompt, response }) => ({ prompt, replies: ranks.map(() => response), ranks }));
  const batch = rankingBatch(rankings, REPLIES_PER_PROMPT, tokens.pad, shape.context);
  rewardModelStep(model, optimiser, settings.rewardModel).run({
    ...batchInputs(batch),
    pooling: poolingWeights(batch),
    ...rankingInputs(rankings, REPLIES_PER_PROMPT),
    numbers: numbers(),
  });
  normaliseHead(model, [0, 1]);
  optimiser.dispose();
  disposeRewardModel(model);
}

function rehearseDecoding(
  { shape, examples, tokens }: Occasion,
  rows: number,
  temperature: number,
  maxNewTokens: number,
): void {
  const gpt = blankGpt(shape);
  const { prompts } = columnsOf(examples);
  const multiple = lengthMultiple();
  const { promptLength } = padPrompts(prompts, tokens.pad, { multiple }, shape.context - maxNewTokens);
  const capacity = Math.min(Math.ceil((promptLength + maxNewTokens) / multiple) * multiple, shape.context);
  const decoder = new Decoder(gpt, rows, capacity, { temperature, topK: 0, topP: 1 });
  decoder.prompt(new Int32Array(rows * promptLength), new Int32Array(rows), { seed: 0, counter: 0 });
  decoder.next(promptLength, { seed: 0, counter: 1 });
  decoder.dispose();
  disposeGpt(gpt);
}

/** With models that are made as its stage makes them. */
function rehearsePpo(
  { shape, settings: { ppo }, examples, tokens }: Occasion,
  body: (steps: PpoSteps, batch: Batch) => void,
): void {
  const rewardModel = blankRewardModel(shape);
  const refPolicy = rewardModel.trunk;
  const [policy, valueModel] = [cloneGpt(refPolicy), cloneScalarModel(rewardModel)];
  const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, valueModel, ppo);
  const learners = { models: { policy, refPolicy, rewardModel, valueModel }, policyOptimiser, valueOptimiser };
  const [prompts, responses] = episodesOf(examples, ppo.batchSize, ppo.maxNewTokens);
  const batch = padBatch(prompts, responses, tokens.pad, shape.context, { multiple: lengthMultiple() });
  const steps = new PpoSteps(learners, ppo, batch);
  body(steps, batch);
  steps.dispose();
  for (const optimiser of [policyOptimiser, valueOptimiser]) optimiser?.dispose();
  disposeGpt(policy);
  disposeScalarModel(valueModel);
  disposeRewardModel(rewardModel);
}

/** The first replies of a trained policy, which are scored, and whose drift is measured. */
function rehearseChat(occasion: Occasion): void {
  const { shape, settings, examples, tokens } = occasion;
  rehearseDecoding(occasion, REPLIES_PER_PROMPT, settings.chat.temperature, settings.chat.maxNewTokens);
  const model = blankRewardModel(shape);
  const policy = cloneGpt(model.trunk);
  const [prompts, replies] = episodesOf(examples, REPLIES_PER_PROMPT, settings.chat.maxNewTokens);
  void scoreReplies(model, prompts, replies, tokens.pad);
  void driftOf(policy, model.trunk, prompts, replies, tokens.pad, 1);
  disposeGpt(policy);
  disposeRewardModel(model);
}

/** Batches of the examples as they come, one of each pair of lengths. */
function batchesOf({ examples }: Occasion, size: number): TokenisedExample[][] {
  const batches = Array.from({ length: Math.ceil(examples.length / size) }, (_, i) =>
    examples.slice(i * size, (i + 1) * size),
  );
  return ofEachLength(batches, size, lengthMultiple());
}

/** Full batches, the last of each pair of lengths that comes. */
function ofEachLength(batches: readonly TokenisedExample[][], size: number, multiple: number): TokenisedExample[][] {
  const kept = new Map<string, TokenisedExample[]>();
  for (const batch of batches) {
    if (batch.length < size) continue;
    const longest = (part: keyof TokenisedExample): number =>
      Math.ceil(Math.max(...batch.map((example) => example[part].length)) / multiple);
    kept.set(`${longest('prompt')} x ${longest('response')}`, batch);
  }
  return [...kept.values()];
}

function columnsOf(examples: readonly TokenisedExample[]): { prompts: number[][]; replies: number[][] } {
  return {
    prompts: examples.map(({ prompt }) => prompt),
    replies: examples.map(({ response }) => response),
  };
}

/** Prompts as long as the longest of the examples, and replies as long as they may be. */
function episodesOf(
  examples: readonly TokenisedExample[],
  rows: number,
  maxNewTokens: number,
): [prompts: number[][], responses: number[][]] {
  const longest = Math.max(1, ...examples.map(({ prompt }) => prompt.length));
  const zeros = (length: number): number[][] => Array.from({ length: rows }, () => Array.from({ length }, () => 0));
  return [zeros(longest), zeros(maxNewTokens)];
}

/** What an optimiser says of a step. */
const numbers = (): HostTensor => ({ values: new Float32Array(3), shape: [3] });

function blankGpt(shape: ModelShape): Gpt {
  const zeros = (dims: number[]): tf.Variable => tf.tidy(() => tf.variable(tf.zeros(dims)));
  return { shape, parameters: new Map([...parameterShapes(shape)].map(([name, dims]) => [name, zeros(dims)])) };
}

/** As its stage makes it. */
function blankRewardModel(shape: ModelShape): RewardModel {
  const gpt = blankGpt(shape);
  const model = rewardModelFrom(gpt, 0);
  disposeGpt(gpt);
  return model;
}
