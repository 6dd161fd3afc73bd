/**
 * The stages in a dozen lines, in a page or in Node: load a model, have replies compared, learn a reward model, tune.
 *
 *   await startDevice('auto');
 *   const sft = loadModel(files);
 *   const rankings = await compare(sft, prompts, (prompt, reply) => -reply.length);
 *   const rewardModel = await learnReward(sft, rankings);
 *   const policy = await tune(sft, prompts, rewardModel);
 *   console.log(await say(policy, prompts[0]));
 *
 * Everything here is put together from the stages themselves, which can do more: `sft.ts`, `rewardModel.ts`, `ppo.ts`,
 * `policyGradient.ts` with `rloo.ts`, `grpo.ts`, `reinforce.ts` and `reinforcePlusPlus.ts`, `preferenceOptimisation.ts`
 * with `dpo.ts`, `ipo.ts`, `simpo.ts` and `orpo.ts`, `kto.ts`, `onlineDpo.ts`, `rejectionSampling.ts`, `ilql.ts`.
 * Models live on the device until `dispose`.
 */
import { DEFAULT_SETTINGS, type PpoSettings, REPLIES_PER_PROMPT, type RewardModelSettings } from '../config';
import { InputError } from '../errors';
import { fromGpt2Config, type Gpt2Config, loadGpt } from '../model/checkpoint';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';
import { type RewardModel, rewardModelFrom } from '../model/rewardHead';
import { blankHead, cloneScalarModel, disposeScalarModel } from '../model/scalarHead';
import { decodeReply } from '../text/chatTemplate';
import { readTokenizer, type Tokenizer } from '../text/tokenizer';
import { AdaptiveKlController, FixedKlController } from './adaptiveKlController';
import { ppo, ppoOptimisers, type PpoState } from './ppo';
import {
  normaliseHead,
  rewardModelOptimiser,
  scoreReplies,
  type TokenisedRanking,
  trainRewardModel,
  withPairs,
} from './rewardModel';
import { sampleResponses } from './rollout';
import type { Scorer } from './scorer';
import { longestReply, promptTokens } from './simulatedRankings';
import type { TrainingStep } from './trainingStep';

export { startDevice } from '../gpu/device';
export { disposeRewardModel } from '../model/rewardHead';
export type { RewardModel } from '../model/rewardHead';

/** A language model and the tokenizer that it was trained with. */
export interface LanguageModel {
  gpt: Gpt;
  tokenizer: Tokenizer;
}

/** What a model is stored as: GPT-2's names and a byte-level tokenizer, as Hugging Face writes them. */
export interface ModelFiles {
  /** The text of config.json. */
  config: string;
  /** The text of tokenizer.json. */
  tokenizer: string;
  /** A safetensors file. */
  weights: ArrayBuffer;
}

/** @throws CheckpointError, TokenizerError, SyntaxError where a text is no JSON */
export const loadModel = ({ config, tokenizer, weights }: ModelFiles): LanguageModel => ({
  gpt: loadGpt(fromGpt2Config(JSON.parse(config) as Gpt2Config), weights),
  tokenizer: readTokenizer(JSON.parse(tokenizer)),
});

export const dispose = ({ gpt }: LanguageModel): void => disposeGpt(gpt);

/** What a reply is worth: a person, a rule, another model; higher is better. */
export type Judge = (prompt: string, reply: string) => number | Promise<number>;

interface Sampling {
  /** 0 is greedy. */
  temperature: number;
  seed: number;
}

/** Prompts answered at once. */
const PROMPTS_AT_ONCE = 16;

/**
 * Samples some replies to each prompt and has them ranked; equal ones tie.
 * @param judge is asked for each reply
 */
export async function compare(
  model: LanguageModel,
  prompts: readonly string[],
  judge: Judge,
  { temperature = 1, seed = 0, replies: K = REPLIES_PER_PROMPT }: Partial<Sampling & { replies: number }> = {},
): Promise<TokenisedRanking[]> {
  const rankings: TokenisedRanking[] = [];
  for (let first = 0; first < prompts.length; first += PROMPTS_AT_ONCE) {
    const asked = prompts.slice(first, first + PROMPTS_AT_ONCE);
    const rows = asked.flatMap((prompt) => Array.from({ length: K }, () => prompt));
    const responses = await answers(model, rows, { temperature, seed: (seed + first) >>> 0 });
    for (const [p, prompt] of asked.entries()) {
      const replies = responses.slice(p * K, (p + 1) * K);
      const worth: number[] = [];
      for (const reply of replies) worth.push(await judge(prompt, decodeReply(model.tokenizer, reply)));
      const ranks = worth.map((own) => 1 + worth.filter((other) => other > own).length);
      rankings.push({ prompt: tokensOf(model, prompt), replies, ranks });
    }
  }
  return rankings;
}

interface Learning<S> {
  settings: Partial<S>;
  seed: number;
  /** Hears every step. */
  onStep: (step: TrainingStep) => void;
}

/**
 * A reward model on a copy of the language model, normalised on its own replies.
 * @throws InputError where no ranking prefers anything
 */
export async function learnReward(
  { gpt, tokenizer }: LanguageModel,
  rankings: readonly TokenisedRanking[],
  { settings = {}, seed = 0, onStep }: Partial<Learning<RewardModelSettings>> = {},
): Promise<RewardModel> {
  const { pad } = tokenizer.specials;
  const useful = withPairs(rankings);
  if (useful.length === 0)
    throw new InputError(
      `Expected rankings in which one reply is better than another, got ${rankings.length} without.`,
      'Compare more replies, or with another judge.',
    );
  const model = rewardModelFrom(gpt, seed);
  const optimiser = rewardModelOptimiser(model);
  const all = { ...DEFAULT_SETTINGS.rewardModel, ...settings };
  for await (const step of trainRewardModel(model, optimiser, useful, all, pad, seed)) onStep?.(step);
  optimiser.dispose();
  const prompts = rankings.flatMap(({ prompt, replies }) => replies.map(() => prompt));
  const replies = rankings.flatMap((ranking) => ranking.replies);
  normaliseHead(model, await scoreReplies(model, prompts, replies, pad));
  return model;
}

/**
 * PPO: a copy of the language model that says what is rewarded, held near to what it said before.
 * @param reward a reward model, or a judge whose scores are taken as they are
 */
export async function tune(
  sft: LanguageModel,
  prompts: readonly string[],
  reward: RewardModel | Judge,
  { settings = {}, seed = 0, onStep }: Partial<Learning<PpoSettings>> = {},
): Promise<LanguageModel> {
  const { gpt: refPolicy, tokenizer } = sft;
  const all: PpoSettings = { ...DEFAULT_SETTINGS.ppo, ...settings };
  all.maxNewTokens = longestReply(refPolicy.shape.context, all.maxNewTokens);
  const judged = typeof reward === 'function';
  const policy = cloneGpt(refPolicy);
  const rewardModel = judged ? null : reward;
  const valueModel = rewardModel ? cloneScalarModel(rewardModel) : blankHead(cloneGpt(refPolicy));
  const optimisers = ppoOptimisers(policy, valueModel, all);
  const state: PpoState = {
    models: { policy, refPolicy, rewardModel, valueModel },
    ...optimisers,
    klController: all.adaptiveKl
      ? new AdaptiveKlController(all.klCoef, all.klTarget, all.klHorizon)
      : new FixedKlController(all.klCoef),
    update: 0,
  };
  const asked = prompts.map((prompt) => tokensOf(sft, prompt));
  const wordsOf = new Map(asked.map((tokens, p) => [tokens.join(), prompts[p] as string]));
  const words = (prompt: readonly number[]): string => wordsOf.get(prompt.join()) as string;
  const scorer: Scorer = async ({ prompts: rows, responses }) => {
    const scores = new Float32Array(rows.length);
    for (const [b, prompt] of rows.entries())
      scores[b] = await (reward as Judge)(words(prompt), decodeReply(tokenizer, responses[b] as number[]));
    return scores;
  };
  const { end: stop, pad } = tokenizer.specials;
  const run = ppo(state, {
    settings: all,
    tokens: { stop, pad },
    seed,
    promptsOf: (update) =>
      Array.from({ length: all.batchSize }, (_, i) => asked[(update * all.batchSize + i) % asked.length] as number[]),
    ...(judged ? { scorer } : {}),
    describe: (prompt, response) => ({ prompt: words(prompt), reply: decodeReply(tokenizer, response) }),
  });
  for await (const step of run) onStep?.(step);
  for (const optimiser of Object.values(optimisers)) optimiser?.dispose();
  disposeScalarModel(valueModel);
  return { gpt: policy, tokenizer };
}

/** One reply, greedy unless told otherwise. */
export async function say(
  model: LanguageModel,
  prompt: string,
  { temperature = 0, seed = 0 }: Partial<Sampling> = {},
): Promise<string> {
  const [reply] = await answers(model, [prompt], { temperature, seed });
  return decodeReply(model.tokenizer, reply as number[]);
}

async function answers(model: LanguageModel, prompts: readonly string[], sampling: Sampling): Promise<number[][]> {
  const { end: stop, pad } = model.tokenizer.specials;
  const rows = prompts.map((prompt) => tokensOf(model, prompt));
  const maxNewTokens = longestReply(model.gpt.shape.context, DEFAULT_SETTINGS.ppo.maxNewTokens);
  const { responses } = await sampleResponses(model.gpt, rows, { stop, pad }, { ...sampling, maxNewTokens });
  return responses;
}

function tokensOf({ gpt, tokenizer }: LanguageModel, prompt: string): number[] {
  const { context } = gpt.shape;
  const longest = context - longestReply(context, DEFAULT_SETTINGS.ppo.maxNewTokens);
  return promptTokens(tokenizer, [{ role: 'user', text: prompt }], 'sft', longest);
}
