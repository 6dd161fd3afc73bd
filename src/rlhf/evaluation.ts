/**
 * How good the models are on prompts that none of them trained on: gold score, paired win rates, KL, proxy score and
 * perplexity. The same prompts and the same number of samples for each model, so that comparisons are paired.
 */
import type { Gpt } from '../model/gpt';
import type { RewardModel } from '../model/rewardHead';
import type { EvaluationReport, ModelRole } from '../session/protocol';
import { decodeReply } from '../text/chatTemplate';
import type { Tokenizer } from '../text/tokenizer';
import { pretrainingDocuments } from '../text/world/documents';
import { goldScore, type GoldWeights } from '../text/world/gold';
import { samplePrompts, type HeldOutSide, type WorldPrompt } from '../text/world/prompts';
import type { World } from '../text/world/world';
import { heldOutLoss, TokenWindows } from './pretraining';
import { scoreReplies } from './rewardModel';
import { driftOf, sampleResponses } from './rollout';
import { promptTokens } from './simulatedRankings';
import { meanByPrompt, pairedChoices, winRate } from './winRate';

export interface EvaluationModels {
  models: Partial<Record<ModelRole, Gpt>>;
  /** Scores replies, where there is one. */
  rewardModel: RewardModel | null;
  tokenizer: Tokenizer;
  world: World;
}

export interface EvaluationRequest {
  prompts: number;
  samplesPerPrompt: number;
  temperature: number;
  maxNewTokens: number;
  seed: number;
  /** One of the sides that are held out; all of them unless told otherwise. */
  split?: 'heldOut' | HeldOutSide;
  /** What the labeler weighs; the balanced one's unless told otherwise. */
  weights?: GoldWeights;
  signal?: AbortSignal;
}

export interface EvaluationProgress {
  done: number;
  total: number;
  what: string;
  /** With the last one. */
  report?: EvaluationReport;
}

/** One model's replies: `samplesPerPrompt` for each prompt, in the prompts' order. */
interface Answers {
  responses: number[][];
  finished: boolean[];
  gold: number[];
  right: boolean[];
}

const PROMPTS_AT_ONCE = 32;
const PERPLEXITY_WINDOWS = 64;
const PERPLEXITY_STREAM = 3_000_017;

/** Yields progress; the last value holds the report. */
export async function* evaluate(
  { models, rewardModel, tokenizer, world }: EvaluationModels,
  request: EvaluationRequest,
): AsyncGenerator<EvaluationProgress> {
  const started = performance.now();
  const prompts = samplePrompts(world, request.split ?? 'heldOut', request.prompts, request.seed);
  const roles = (Object.keys(models) as ModelRole[]).filter((role) => models[role]);
  const total = roles.length * prompts.length;
  const answers: Partial<Record<ModelRole, Answers>> = {};
  let done = 0;
  for (const role of roles) {
    const all: Answers = { responses: [], finished: [], gold: [], right: [] };
    for (let first = 0; first < prompts.length; first += PROMPTS_AT_ONCE) {
      const chosen = prompts.slice(first, first + PROMPTS_AT_ONCE);
      const part = await answer(models[role] as Gpt, role, chosen, tokenizer, world, request, request.seed + first);
      for (const key of ['responses', 'finished', 'gold', 'right'] as const) (all[key] as unknown[]).push(...part[key]);
      done += chosen.length;
      yield { done, total, what: `${ROLE_WORDS[role]} answers held-out prompts` };
    }
    answers[role] = all;
  }

  const report: EvaluationReport = {
    prompts: prompts.length,
    samplesPerPrompt: request.samplesPerPrompt,
    temperature: request.temperature,
    gold: {},
    perplexity: {},
    proxy: {},
    kl: null,
    winRateVsSft: compare(answers.policy, answers.sft, request.samplesPerPrompt),
    winRateVsBase: compare(answers.policy, answers.base, request.samplesPerPrompt),
    rightByKind: {},
    seconds: 0,
  };
  const windows = perplexityWindows(tokenizer, world, models);
  for (const role of roles) {
    const own = answers[role] as Answers;
    report.gold[role] = meanByPrompt(groups(own.gold, request.samplesPerPrompt));
    report.rightByKind[role] = rightByKind(prompts, own.right, request.samplesPerPrompt);
    const length = windows.length / PERPLEXITY_WINDOWS;
    report.perplexity[role] = Math.exp(await heldOutLoss(models[role] as Gpt, windows, length, 16));
    if (rewardModel)
      report.proxy[role] = await proxyScore(rewardModel, prompts, own, tokenizer, request.samplesPerPrompt);
    yield { done, total, what: `${ROLE_WORDS[role]} is scored` };
  }
  if (models.policy && models.sft && answers.policy) {
    report.kl = await sampledKl(models.policy, models.sft, prompts, answers.policy, tokenizer, request);
  }
  report.seconds = (performance.now() - started) / 1000;
  yield { done, total, what: 'Done', report };
}

const ROLE_WORDS: Record<ModelRole, string> = {
  base: 'The base model',
  sft: 'The SFT model',
  policy: 'The RLHF policy',
};

async function answer(
  gpt: Gpt,
  role: ModelRole,
  prompts: readonly WorldPrompt[],
  tokenizer: Tokenizer,
  world: World,
  { samplesPerPrompt, temperature, maxNewTokens, weights, signal }: EvaluationRequest,
  seed: number,
): Promise<Answers> {
  const rows = prompts.flatMap((prompt) =>
    samplesOf(prompt, role, tokenizer, gpt.shape.context - maxNewTokens, samplesPerPrompt),
  );
  const tokens = { stop: tokenizer.specials.end, pad: tokenizer.specials.pad };
  const sampling = { temperature, maxNewTokens, seed: seed >>> 0 };
  const { responses, finished } = await sampleResponses(gpt, rows, tokens, signal ? { ...sampling, signal } : sampling);
  const scored = responses.map((response, i) =>
    goldScore(
      world,
      prompts[Math.floor(i / samplesPerPrompt)] as WorldPrompt,
      decodeReply(tokenizer, response),
      finished[i] as boolean,
      weights,
    ),
  );
  return {
    responses,
    finished,
    gold: scored.map(({ score }) => score),
    right: scored.map(({ parts }) => parts.right === 1),
  };
}

/** The prompt's tokens, once for each sample. */
function samplesOf(
  prompt: WorldPrompt,
  role: ModelRole,
  tokenizer: Tokenizer,
  maxTokens: number,
  samples: number,
): number[][] {
  const ids = promptTokens(tokenizer, prompt.messages, role, maxTokens);
  return Array.from({ length: samples }, () => ids);
}

const groups = <T>(values: readonly T[], size: number): T[][] =>
  Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));

function compare(
  ours: Answers | undefined,
  theirs: Answers | undefined,
  samples: number,
): EvaluationReport['winRateVsSft'] {
  if (!ours || !theirs) return null;
  const others = groups(theirs.gold, samples);
  return winRate(groups(ours.gold, samples).map((own, prompt) => pairedChoices(own, others[prompt] as number[])));
}

function rightByKind(
  prompts: readonly WorldPrompt[],
  right: readonly boolean[],
  samples: number,
): Record<string, number> {
  const counts = new Map<string, { right: number; all: number }>();
  right.forEach((isRight, i) => {
    const kind = (prompts[Math.floor(i / samples)] as WorldPrompt).kind;
    const count = counts.get(kind) ?? { right: 0, all: 0 };
    counts.set(kind, { right: count.right + (isRight ? 1 : 0), all: count.all + 1 });
  });
  return Object.fromEntries([...counts].map(([kind, count]) => [kind, count.right / count.all]));
}

/** Mean normalised score of the reward model, replies shown to it as chat whoever wrote them. */
async function proxyScore(
  rewardModel: RewardModel,
  prompts: readonly WorldPrompt[],
  { responses }: Answers,
  tokenizer: Tokenizer,
  samples: number,
): Promise<number> {
  const context = rewardModel.trunk.shape.context;
  const longest = Math.max(...responses.map((response) => response.length));
  const rows = prompts.flatMap((prompt) => samplesOf(prompt, 'sft', tokenizer, context - longest, samples));
  const scores = await scoreReplies(rewardModel, rows, responses, tokenizer.specials.pad);
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** Mean over the policy's own samples of sum log pi - log ref, in nats a reply (k1). */
async function sampledKl(
  policy: Gpt,
  refPolicy: Gpt,
  prompts: readonly WorldPrompt[],
  { responses }: Answers,
  tokenizer: Tokenizer,
  { samplesPerPrompt, temperature, maxNewTokens }: EvaluationRequest,
): Promise<number> {
  const { context } = policy.shape;
  const rows = prompts.flatMap((prompt) =>
    samplesOf(prompt, 'policy', tokenizer, context - maxNewTokens, samplesPerPrompt),
  );
  let total = 0;
  const atOnce = PROMPTS_AT_ONCE * samplesPerPrompt;
  // At temperature 0 nothing is sampled; the drift is then measured at temperature 1.
  const scale = temperature > 0 ? temperature : 1;
  for (let first = 0; first < rows.length; first += atOnce) {
    const [chosen, own] = [rows.slice(first, first + atOnce), responses.slice(first, first + atOnce)];
    const drift = await driftOf(policy, refPolicy, chosen, own, tokenizer.specials.pad, scale);
    total += drift.reduce((sum, nats) => sum + nats, 0);
  }
  return total / rows.length;
}

/** Held-out pretraining text, [PERPLEXITY_WINDOWS, T + 1]. */
function perplexityWindows(tokenizer: Tokenizer, world: World, models: EvaluationModels['models']): Int32Array {
  const context = Math.min(...Object.values(models).map((gpt) => gpt.shape.context));
  const documents = pretrainingDocuments(world, PERPLEXITY_STREAM);
  const tokenised = (function* (): Generator<number[]> {
    for (;;) yield tokenizer.encode(documents.next().value);
  })();
  return new TokenWindows(tokenised, tokenizer.specials.end, Math.min(64, context - 1) + 1).next(PERPLEXITY_WINDOWS);
}
