/**
 * How good the models are on prompts that none of them trained on: what is right by kind and side, gold score, paired
 * win rates, KL, proxy score and perplexity. The same prompts and the same number of samples for each model, so that
 * comparisons are paired. Greedy (temperature 0), one sample says all.
 */
import type { Gpt } from '../model/gpt';
import type { RewardModel } from '../model/rewardHead';
import { InputError } from '../errors';
import type { Contestant, EvaluationReport, ModelRole } from '../session/protocol';
import type { TemplateName } from '../text/chatTemplate';
import type { Tokenizer } from '../text/tokenizer';
import type { World } from '../text/world/world';
import { type Answer, answers, promptRows, type Speaker } from './answers';
import { bestOfNKlBound } from './bestOfN';
import { evaluationPrompts, type EvaluationSplit, type PromptCount } from './evaluationPrompts';
import { DEFAULT_LABELER, labelerWeights } from './labelerWeights';
import { heldOutLoss, worldWindows } from './pretraining';
import { goodReplies, replyMeasures } from './replyMeasures';
import { overlapJudge } from './replyOverlap';
import { ensembleScorer, scoreRepliesTogether } from './rewardEnsemble';
import { driftOf } from './rollout';
import { rewardModelScorer } from './scorer';
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
  /** Best of so many replies of the SFT model, by the reward models, as one contestant more; unless given, none. */
  bestOf?: number;
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
/** Draws of their own: chosen among the very replies that SFT is measured by, the best would tie with one of them. */
const BEST_OF_STREAM = 5_000_011;

/**
 * Yields progress; the last value holds the report.
 * @throws InputError for a labeler or a side that there is not, for no prompts, or for best of n without who chooses
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
  const n = request.bestOf ?? 0;
  const speakers = roles.map((role): [Contestant, Speaker] => [role, { gpt: models[role] as Gpt, role, tokenizer }]);
  if (n > 0) speakers.push(['bestOfN', bestOfSpeaker(n, models, rewardModels, tokenizer)]);
  const total = (roles.length + n) * prompts.length;
  const answered: Partial<Record<Contestant, Answer[]>> = {};
  let done = 0;
  for (const [name, speaker] of speakers) {
    const all: Answer[] = [];
    // Where others give their likeliest reply, there would be nothing to choose from.
    const own = name === 'bestOfN' ? { ...asking, temperature: temperature || 1, seed: seed + BEST_OF_STREAM } : asking;
    for await (const some of answers(speaker, world, prompts, own)) {
      all.push(...some);
      done += (some.length / samples) * (speaker.choose?.n ?? 1);
      yield { done, total, what: `${wordsOf(name, n)} answers held-out prompts` };
    }
    answered[name] = all;
  }

  const compare = (ours: Contestant, theirs: Contestant): EvaluationReport['winRateVsSft'] =>
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
    ...(n > 0 && {
      bestOfN: {
        n,
        klBound: bestOfNKlBound(n),
        winRateVsSft: compare('bestOfN', 'sft'),
        winRateOfPolicy: compare('policy', 'bestOfN'),
      },
    }),
    rightByKind: {},
    seconds: 0,
  };
  const references = goodReplies(world, prompts, seed + REFERENCE_STREAM);
  const windows = perplexityWindows(tokenizer, world, models);
  const length = windows.length / PERPLEXITY_WINDOWS;
  for (const [name, { gpt }] of speakers) {
    const own = answered[name] as Answer[];
    const measures = replyMeasures(world, own, references, overlap);
    report.measures[name] = measures;
    report.gold[name] = meanByPrompt(goldByPrompt(own, samples));
    report.rightByKind[name] = Object.fromEntries(
      Object.entries(measures.right.all).map(([kind, { hits, of }]) => [kind, hits / of]),
    );
    // Best of n chooses among replies: of a text it says nothing.
    if (name !== 'bestOfN') report.perplexity[name] = Math.exp(await heldOutLoss(gpt, windows, length, 16));
    if (rewardModels.length > 0) report.proxy[name] = await proxyScore(rewardModels, own, tokenizer);
    yield { done, total, what: `${wordsOf(name, n)} is scored` };
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

const wordsOf = (name: Contestant, n: number): string => (name === 'bestOfN' ? `Best of ${n}` : ROLE_WORDS[name]);

/** The SFT model, whose replies the reward models choose from by their mean. */
function bestOfSpeaker(
  n: number,
  models: EvaluationModels['models'],
  rewardModels: readonly RewardModel[],
  tokenizer: Tokenizer,
): Speaker {
  if (!models.sft || rewardModels.length === 0)
    throw new InputError(
      `Expected an SFT model, and a reward model to choose the best of ${n}; got no ${models.sft ? 'reward' : 'SFT'} model.`,
      'Train it first, or measure without best of n.',
    );
  const scorer = ensembleScorer(rewardModels.map(rewardModelScorer), 'mean');
  return { gpt: models.sft, role: 'sft', tokenizer, choose: { n, scorer } };
}

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
