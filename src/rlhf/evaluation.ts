/**
 * How good the models are on prompts that none of them trained on: what is right by kind and side, gold score, paired
 * win rates, KL, proxy score and perplexity. The same prompts and the same number of samples for each model, so that
 * comparisons are paired. Greedy (temperature 0), one sample says all.
 */
import type { Gpt } from '../model/gpt';
import type { RewardModel } from '../model/rewardHead';
import type { EvaluationReport, ModelRole } from '../session/protocol';
import type { TemplateName } from '../text/chatTemplate';
import type { Tokenizer } from '../text/tokenizer';
import type { World } from '../text/world/world';
import { type Answer, answers, promptRows } from './answers';
import { evaluationPrompts, type EvaluationSplit, type PromptCount } from './evaluationPrompts';
import { DEFAULT_LABELER, labelerWeights } from './labelerWeights';
import { heldOutLoss, worldWindows } from './pretraining';
import { goodReplies, replyMeasures } from './replyMeasures';
import { overlapJudge } from './replyOverlap';
import { scoreRepliesTogether } from './rewardEnsemble';
import { driftOf } from './rollout';
import { meanByPrompt, pairedChoices, winRate } from './winRate';

export interface EvaluationModels {
  models: Partial<Record<ModelRole, Gpt>>;
  /** Those that score together; none, and there is no proxy. */
  rewardModels: readonly RewardModel[];
  tokenizer: Tokenizer;
  world: World;
}

export interface EvaluationRequest {
  prompts: PromptCount;
  /** Replies to each prompt; one where the temperature is 0. */
  samplesPerPrompt: number;
  /** 0 for the likeliest token each time. */
  temperature: number;
  maxNewTokens: number;
  seed: number;
  /** One of the sides that are held out; all of them unless told otherwise. */
  split?: EvaluationSplit;
  /** Whose weights count; the balanced one's unless told otherwise. */
  labeler?: string;
  /** How every model is spoken to; each as its role asks for, unless told otherwise. */
  template?: TemplateName;
  signal?: AbortSignal;
}

export interface EvaluationProgress {
  done: number;
  total: number;
  what: string;
  /** With the last one. */
  report?: EvaluationReport;
}

/** Replies of which the drift is computed at a time, for each sample of a prompt. */
const PROMPTS_AT_ONCE = 32;
const PERPLEXITY_WINDOWS = 64;
const PERPLEXITY_STREAM = 3_000_017;
const REFERENCE_STREAM = 4_000_037;

/**
 * Yields progress; the last value holds the report.
 * @throws InputError for a labeler or a side that there is not, or for no prompts
 * @throws CancelledError
 */
export async function* evaluate(
  { models, rewardModels, tokenizer, world }: EvaluationModels,
  request: EvaluationRequest,
): AsyncGenerator<EvaluationProgress> {
  const started = performance.now();
  const { temperature, seed, split = 'heldOut', labeler = DEFAULT_LABELER } = request;
  const samples = temperature > 0 ? request.samplesPerPrompt : 1;
  const asking = { ...request, samplesPerPrompt: samples, weights: labelerWeights(labeler) };
  const prompts = evaluationPrompts(world, split, request.prompts, seed);
  const overlap = await overlapJudge();
  const roles = (Object.keys(models) as ModelRole[]).filter((role) => models[role]);
  const total = roles.length * prompts.length;
  const answered: Partial<Record<ModelRole, Answer[]>> = {};
  let done = 0;
  for (const role of roles) {
    const all: Answer[] = [];
    for await (const some of answers({ gpt: models[role] as Gpt, role, tokenizer }, world, prompts, asking)) {
      all.push(...some);
      done += some.length / samples;
      yield { done, total, what: `${ROLE_WORDS[role]} answers held-out prompts` };
    }
    answered[role] = all;
  }

  const compare = (ours: ModelRole, theirs: ModelRole): EvaluationReport['winRateVsSft'] =>
    pairedWinRate(answered[ours], answered[theirs], samples);
  const report: EvaluationReport = {
    prompts: prompts.length,
    samplesPerPrompt: samples,
    temperature,
    split,
    labeler,
    measures: {},
    gold: {},
    perplexity: {},
    proxy: {},
    kl: null,
    winRateVsSft: compare('policy', 'sft'),
    winRateVsBase: compare('policy', 'base'),
    winRateSftVsBase: compare('sft', 'base'),
    rightByKind: {},
    seconds: 0,
  };
  const references = goodReplies(world, prompts, seed + REFERENCE_STREAM);
  const windows = perplexityWindows(tokenizer, world, models);
  for (const role of roles) {
    const own = answered[role] as Answer[];
    const measures = replyMeasures(world, own, references, overlap);
    report.measures[role] = measures;
    report.gold[role] = meanByPrompt(goldByPrompt(own, samples));
    report.rightByKind[role] = Object.fromEntries(
      Object.entries(measures.right.all).map(([kind, { hits, of }]) => [kind, hits / of]),
    );
    const length = windows.length / PERPLEXITY_WINDOWS;
    report.perplexity[role] = Math.exp(await heldOutLoss(models[role] as Gpt, windows, length, 16));
    if (rewardModels.length > 0) report.proxy[role] = await proxyScore(rewardModels, own, tokenizer);
    yield { done, total, what: `${ROLE_WORDS[role]} is scored` };
  }
  if (models.policy && models.sft && answered.policy) {
    const atOnce = PROMPTS_AT_ONCE * samples;
    report.kl = await sampledKl(models.policy, models.sft, answered.policy, tokenizer, asking, atOnce);
  }
  report.seconds = (performance.now() - started) / 1000;
  yield { done, total, what: 'Done', report };
}

const ROLE_WORDS: Record<ModelRole, string> = {
  base: 'The base model',
  sft: 'The SFT model',
  policy: 'The RLHF policy',
};

/** Gold scores, one list a prompt. */
function goldByPrompt(answered: readonly Answer[], samples: number): number[][] {
  return Array.from({ length: answered.length / samples }, (_, i) =>
    answered.slice(i * samples, (i + 1) * samples).map(({ gold }) => gold),
  );
}

/** How often the labeler chooses ours over theirs, prompt by prompt; null where one of them did not answer. */
export function pairedWinRate(
  ours: readonly Answer[] | undefined,
  theirs: readonly Answer[] | undefined,
  samples: number,
): EvaluationReport['winRateVsSft'] {
  if (!ours || !theirs) return null;
  const others = goldByPrompt(theirs, samples);
  return winRate(goldByPrompt(ours, samples).map((own, prompt) => pairedChoices(own, others[prompt] as number[])));
}

/** Mean normalised score of the reward models, replies shown to them as chat whoever wrote them. */
async function proxyScore(
  rewardModels: readonly RewardModel[],
  answered: readonly Answer[],
  tokenizer: Tokenizer,
): Promise<number> {
  const responses = answered.map(({ response }) => response);
  const longest = Math.max(...responses.map((response) => response.length));
  const room = (rewardModels[0] as RewardModel).trunk.shape.context - longest;
  const rows = promptRows(asked(answered), 'sft', tokenizer, room);
  const { scores } = await scoreRepliesTogether(rewardModels, rows, responses, tokenizer.specials.pad);
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

const asked = (answered: readonly Answer[]): Answer['prompt'][] => answered.map(({ prompt }) => prompt);

/** Mean over the policy's own samples of sum log pi - log ref, in nats a reply (k1). */
async function sampledKl(
  policy: Gpt,
  refPolicy: Gpt,
  answered: readonly Answer[],
  tokenizer: Tokenizer,
  { temperature, maxNewTokens }: Pick<EvaluationRequest, 'temperature' | 'maxNewTokens'>,
  atOnce: number,
): Promise<number> {
  const rows = promptRows(asked(answered), 'policy', tokenizer, policy.shape.context - maxNewTokens);
  let total = 0;
  // At temperature 0 nothing is sampled; the drift is then measured at temperature 1.
  const scale = temperature > 0 ? temperature : 1;
  for (let first = 0; first < rows.length; first += atOnce) {
    const own = answered.slice(first, first + atOnce).map(({ response }) => response);
    const chosen = rows.slice(first, first + atOnce);
    const drift = await driftOf(policy, refPolicy, chosen, own, tokenizer.specials.pad, scale);
    total += drift.reduce((sum, nats) => sum + nats, 0);
  }
  return total / rows.length;
}

/** Held-out pretraining text, [PERPLEXITY_WINDOWS, T + 1]. */
function perplexityWindows(tokenizer: Tokenizer, world: World, models: EvaluationModels['models']): Int32Array {
  const context = Math.min(...Object.values(models).map((gpt) => gpt.shape.context));
  const length = Math.min(64, context - 1) + 1;
  return worldWindows(world, tokenizer, PERPLEXITY_STREAM, length).next(PERPLEXITY_WINDOWS);
}
