/**
 * Every method at equal labels: from one SFT model, the same rankings and the same reward model, what does each make of
 * them? Each is run by the page's own stage with the page's own settings; those that need rankings alone are given the
 * rankings, those that sample are paid by the reward model.
 */
import {
  DEFAULT_SETTINGS,
  MAX_RESPONSE_TOKENS,
  type PolicyGradientSettings,
  type PpoSettings,
  type PreferenceSettings,
  type PresetName,
  type Settings,
} from '../../src/config';
import {
  type MethodFamily,
  type MethodInfo,
  type MethodName,
  METHODS,
  policyGradientDefaults,
  preferenceDefaults,
} from '../../src/methods';
import type { Scoring } from '../../src/model/decoder';
import { type Gpt, parameterCount } from '../../src/model/gpt';
import type { RewardModel } from '../../src/model/rewardHead';
import { type Answer, answers, promptRows } from '../../src/rlhf/answers';
import { bestOfN } from '../../src/rlhf/bestOfNPolicy';
import { pairedWinRate } from '../../src/rlhf/evaluation';
import { disposeIlql, ilqlDrift, ilqlScoring } from '../../src/rlhf/ilql';
import { thumbsOf } from '../../src/rlhf/kto';
import { withPairs } from '../../src/rlhf/rewardModel';
import { driftOf } from '../../src/rlhf/rollout';
import { rewardModelScorer, type Scorer } from '../../src/rlhf/scorer';
import { longestReply, tokeniseRanking } from '../../src/rlhf/simulatedRankings';
import { meanByPrompt } from '../../src/rlhf/winRate';
import type { Estimate, Ranking, RewardModelReport, WinRate } from '../../src/session/protocol';
import type { Stage } from '../../src/session/stage';
import { PolicyTask } from '../../src/session/stages/policyTask';
import { PpoStage } from '../../src/session/stages/ppoStage';
import { PreferenceStage } from '../../src/session/stages/preferenceStage';
import { RewardModelStage } from '../../src/session/stages/rewardModelStage';
import { SamplingStage } from '../../src/session/stages/samplingStage';
import type { Workshop } from '../../src/session/workshop';
import { decodeReply } from '../../src/text/chatTemplate';
import { goldScore } from '../../src/text/world/gold';
import { samplePrompts, type WorldPrompt } from '../../src/text/world/prompts';
import { type IlqlPlan, learnIlql, TOWN_ILQL } from './ilqlOnTown';
import { type LoopPlan, rank, runStage } from './loop';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';

export const BEST_OF_N = 'best of n';
export const ILQL = 'ILQL';
export const METHOD_NAMES: readonly string[] = [...METHODS.map(({ name }) => name), ILQL, BEST_OF_N];

export interface MethodsPlan {
  preset: PresetName;
  seeds: readonly number[];
  rankings: number;
  heldOutRankings: number;
  /** Held-out prompts that every method is judged on, and replies to each. */
  prompts: number;
  samples: number;
  rewardModel: Settings['rewardModel'];
  ppo: PpoSettings;
  /** By method; the page's. */
  policyGradient: Record<string, PolicyGradientSettings>;
  preferences: Record<string, PreferenceSettings>;
  /** Which the page does not have; not in records from before it was measured. */
  ilql?: IlqlPlan;
  /** Of best of n. */
  n: number;
}

export interface MethodOutcome {
  winRate: WinRate;
  /** Mean gold score at temperature 1, and greedy. */
  gold: Estimate;
  greedyGold: Estimate;
  /** By which gold rises over the SFT model's, prompt by prompt, at temperature 1. */
  gain: Estimate;
  /** Nats a reply; null where the policy is not a model of its own. */
  kl: number | null;
  /** Floating-point operations of learning, for best of n of answering; an estimate, 2 a weight and token of a pass. */
  flops: number;
  seconds: number;
}

export interface Methods {
  result: 'methods';
  plan: MethodsPlan;
  model: ModelFacts;
  seeds: {
    seed: number;
    rewardModel: RewardModelReport;
    sft: { gold: Estimate; greedyGold: Estimate };
    /** By method; of those that were measured. */
    outcomes: Record<string, MethodOutcome>;
  }[];
  made: Made;
  /** Methods that were measured later than the rest, and how. */
  added?: { methods: readonly string[]; made: Made }[];
}

const namesOf = (family: MethodFamily): MethodName[] =>
  METHODS.filter((method) => method.family === family).map(({ name }) => name);

export function methodsPlan(preset: PresetName, seeds: readonly number[], rankings: number, quick: boolean): MethodsPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  const brief = quick ? { updates: 1 } : {};
  const few = quick ? { prompts: 4, replies: 2, minibatchSize: 4 } : {};
  const once = quick ? { epochs: 1 } : {};
  return {
    preset,
    seeds,
    rankings,
    heldOutRankings: quick ? 2 : 100,
    prompts: quick ? 4 : 300,
    samples: 2,
    rewardModel: { ...rewardModel, ...once },
    ppo: { ...ppo, ...brief, ...(quick ? { batchSize: 4, minibatchSize: 4 } : {}) },
    policyGradient: Object.fromEntries(
      namesOf('policyGradient').map((name) => {
        const own = policyGradientDefaults(name);
        return [name, { ...own, ...brief, ...few, replies: Math.min(own.replies, few.replies ?? own.replies) }];
      }),
    ),
    preferences: Object.fromEntries(
      namesOf('preferences').map((name) => [name, { ...preferenceDefaults(name), ...once }]),
    ),
    ilql: { ...TOWN_ILQL, ...once },
    n: 4,
  };
}

/** What every method of a seed begins with. */
interface Bench {
  plan: MethodsPlan;
  seed: number;
  workshop: Workshop;
  sft: Gpt;
  scorer: Scorer;
  rankings: readonly Ranking[];
  maxNewTokens: number;
  tokens: { stop: number; pad: number };
}

/** Rankings of a seed: to learn from, and held out. */
export type Collect = (workshop: Workshop, plan: LoopPlan) => Promise<Record<'train' | 'heldOut', Ranking[]>>;

const simulated: Collect = async (workshop, plan) => ({
  train: await rank(workshop, plan, plan.rankings, 'train', plan.seed, () => undefined),
  heldOut: await rank(workshop, plan, plan.heldOutRankings, 'heldOut', plan.seed + 1, () => undefined),
});

export async function compareMethods(
  { workshop, facts }: LoadedModels,
  plan: MethodsPlan,
  say?: (line: string) => void,
  collect: Collect = simulated,
  only: readonly string[] = METHOD_NAMES,
): Promise<Omit<Methods, 'made'>> {
  const progress = new Progress(plan.seeds.length * (only.length + 1), say);
  const seeds: Methods['seeds'] = [];
  for (const seed of plan.seeds) {
    const { bench, report } = await beginBench(workshop, plan, seed, collect);
    progress.advance(`seed ${seed}: rankings and reward model`, 1);
    const prompts = samplePrompts(workshop.world, 'heldOut', plan.prompts, seed);
    const before = await judged(bench, bench.sft, prompts);
    const outcomes: Record<string, MethodOutcome> = {};
    for (const method of METHODS.filter(({ name }) => only.includes(name))) {
      const started = performance.now();
      const passes = await learn(bench, method);
      const seconds = (performance.now() - started) / 1000;
      const policy = workshop.models.gpt('policy') as Gpt;
      const after = await judged(bench, policy, prompts);
      const flops = 2 * parameterCount(policy.shape) * (passes.forward + 3 * passes.learned);
      outcomes[method.name] = {
        ...outcomeOf(before, after, plan.samples),
        kl: await klOf(bench, after, (rows, responses) => driftOf(policy, bench.sft, rows, responses, bench.tokens.pad, 1)),
        flops,
        seconds,
      };
      workshop.models.drop('policy');
      progress.advance(`seed ${seed}: ${method.name}`, 1);
    }
    if (only.includes(ILQL)) {
      outcomes[ILQL] = await learnAndAnswerByIlql(bench, before, prompts);
      progress.advance(`seed ${seed}: ${ILQL}`, 1);
    }
    if (only.includes(BEST_OF_N)) {
      outcomes[BEST_OF_N] = await answerByBestOfN(bench, before, prompts);
      progress.advance(`seed ${seed}: ${BEST_OF_N}`, 1);
    }
    const { gold, greedyGold } = outcomeOf(before, before, plan.samples);
    seeds.push({ seed, rewardModel: report, sft: { gold, greedyGold }, outcomes });
  }
  return { result: 'methods', plan, model: facts, seeds };
}

async function beginBench(
  workshop: Workshop,
  plan: MethodsPlan,
  seed: number,
  collect: Collect,
): Promise<{ bench: Bench; report: RewardModelReport }> {
  const { models, tokenizer } = workshop;
  const { rankings, heldOutRankings, rewardModel: settings, ppo } = plan;
  const loop: LoopPlan = { seed, rankings, heldOutRankings, labeler: 'balanced', settings: { rewardModel: settings, ppo } };
  const { train, heldOut } = await collect(workshop, loop);
  const learning = new RewardModelStage(workshop, settings, train, heldOut, seed);
  await runStage(learning, () => undefined);
  const bench: Bench = {
    plan,
    seed,
    workshop,
    sft: models.gpt('sft') as Gpt,
    scorer: rewardModelScorer(models.rewardModels[0] as RewardModel),
    rankings: train,
    maxNewTokens: longestReply(models.shape.context, MAX_RESPONSE_TOKENS),
    tokens: { stop: tokenizer.specials.end, pad: tokenizer.specials.pad },
  };
  return { bench, report: learning.report as RewardModelReport };
}

/** The stage of the page that a method is run by. */
function stageOf({ plan, seed, workshop, rankings }: Bench, { name, family }: MethodInfo): Stage {
  const { ppo, policyGradient, preferences } = plan;
  const common = { method: name, continuePolicy: false };
  switch (family) {
    case 'ppo':
      return new PpoStage(workshop, ppo, [], false, seed);
    case 'policyGradient': {
      const settings = policyGradient[name] as PolicyGradientSettings;
      return new SamplingStage(workshop, { ...common, settings, ownPrompts: [], ownReward: null }, seed);
    }
    case 'preferences':
      return new PreferenceStage(workshop, { ...common, settings: preferences[name] as PreferenceSettings, rankings }, seed);
  }
}

/**
 * Makes the policy, in the workshop.
 * @returns tokens that went forward without a gradient, and that were learned from, over all models that take part
 */
async function learn(bench: Bench, method: MethodInfo): Promise<{ forward: number; learned: number }> {
  const { plan, workshop, rankings } = bench;
  const { tokenizer, models } = workshop;
  const { family, name } = method;
  let replies = 0; // in tokens, a mean reply each time
  await runStage(stageOf(bench, method), (metrics) => {
    replies += metrics['tokens/responses_len_mean'] ?? 0;
  });
  if (family === 'preferences') {
    const { epochs } = plan.preferences[name] as PreferenceSettings;
    const tokenised = withPairs(rankings).map((ranking) => tokeniseRanking(tokenizer, ranking, models.shape.context));
    // KTO's have the best and the worst of each, and the reference also scores replies to other prompts.
    const thumbs = name === 'KTO';
    const learned =
      epochs *
      (thumbs
        ? sumOf(thumbsOf(tokenised), ({ prompt, reply }) => prompt.length + reply.length)
        : sumOf(tokenised, ({ prompt, replies: own }) => sumOf(own, ({ length }) => prompt.length + length)));
    const withoutReference = name === 'SimPO' || name === 'ORPO';
    return { forward: thumbs ? 3 * learned : withoutReference ? 0 : learned, learned };
  }
  const { ppo, policyGradient } = plan;
  const own = policyGradient[name];
  const [updates, prompts, each] = own ? [own.updates, own.prompts, own.replies] : [ppo.updates, ppo.batchSize, 1];
  const asked = new PolicyTask(workshop, { ...NOBODYS, seed: bench.seed, prompts, maxNewTokens: bench.maxNewTokens });
  const promptTokens = sumOf([...Array(updates).keys()], (update) => sumOf(asked.promptsOf(update), ({ length }) => length));
  const sampled = each * (promptTokens + prompts * replies);
  // Beside what samples: policy, reference and reward model score, with PPO the value model too, which also learns.
  if (!own) return { forward: 5 * sampled, learned: 2 * ppo.ppoEpochs * sampled };
  if (name === 'rejection sampling') return { forward: 2 * sampled, learned: (own.epochs * sampled) / each };
  if (name === 'online DPO') return { forward: 3 * sampled, learned: sampled };
  return { forward: 4 * sampled, learned: own.epochs * sampled };
}

/** A task with the town's prompts and the reward model alone. */
const NOBODYS = { ownPrompts: [], ownReward: null, aggregation: 0, ruleWeight: 0 };

const sumOf = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((sum, one) => sum + of(one), 0);

interface Judged {
  sampled: Answer[];
  greedy: Answer[];
}

async function judged(
  { workshop, plan, seed, maxNewTokens }: Bench,
  gpt: Gpt,
  prompts: readonly WorldPrompt[],
  scoring?: Scoring,
): Promise<Judged> {
  const speaker = { gpt, role: 'policy' as const, tokenizer: workshop.tokenizer, ...(scoring && { scoring }) };
  const all = async (temperature: number, samplesPerPrompt: number): Promise<Answer[]> => {
    const said: Answer[] = [];
    const request = { samplesPerPrompt, temperature, maxNewTokens, seed };
    for await (const some of answers(speaker, workshop.world, prompts, request)) said.push(...some);
    return said;
  };
  return { sampled: await all(1, plan.samples), greedy: await all(0, 1) };
}

const goldOf = (all: readonly Answer[], samples: number): number[][] =>
  Array.from({ length: all.length / samples }, (_, p) => all.slice(p * samples, (p + 1) * samples).map(({ gold }) => gold));

function outcomeOf(before: Judged, after: Judged, samples: number): Omit<MethodOutcome, 'kl' | 'flops' | 'seconds'> {
  const [was, is] = [goldOf(before.sampled, samples), goldOf(after.sampled, samples)];
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    winRate: pairedWinRate(after.sampled, before.sampled, samples) as WinRate,
    gold: meanByPrompt(is),
    greedyGold: meanByPrompt(goldOf(after.greedy, 1)),
    gain: meanByPrompt(is.map((own, p) => [mean(own) - mean(was[p] as number[])])),
  };
}

/** @param drift [rows], nats, of responses to prompts */
async function klOf(
  { workshop, sft }: Bench,
  { sampled }: Judged,
  drift: (rows: number[][], responses: number[][]) => Promise<Float32Array>,
): Promise<number> {
  const responses = sampled.map(({ response }) => response);
  const rows = promptRows(
    sampled.map(({ prompt }) => prompt),
    'policy',
    workshop.tokenizer,
    sft.shape.context - MAX_RESPONSE_TOKENS,
  );
  let sum = 0;
  for (let first = 0; first < rows.length; first += 64) {
    const some = await drift(rows.slice(first, first + 64), responses.slice(first, first + 64));
    sum += some.reduce((total, nats) => total + nats, 0);
  }
  return sum / rows.length;
}

/** The SFT model, with what each token is worth added to what it expects. */
async function learnAndAnswerByIlql(
  bench: Bench,
  before: Judged,
  prompts: readonly WorldPrompt[],
): Promise<MethodOutcome> {
  const { plan, workshop, sft, rankings, seed, tokens } = bench;
  const { beta, ...settings } = plan.ilql as IlqlPlan;
  const started = performance.now();
  const tokenised = rankings.map((ranking) => tokeniseRanking(workshop.tokenizer, ranking, sft.shape.context));
  const [rewardModel] = workshop.models.rewardModels;
  const { model, flops } = await learnIlql(sft, rewardModel as RewardModel, tokenised, settings, tokens.pad, seed);
  const seconds = (performance.now() - started) / 1000;
  const after = await judged(bench, sft, prompts, ilqlScoring(model, beta));
  const kl = await klOf(bench, after, (rows, responses) => ilqlDrift(model, beta, rows, responses, tokens.pad));
  disposeIlql(model);
  return { ...outcomeOf(before, after, plan.samples), kl, flops, seconds };
}

/** The SFT model, which answers n times and says the best. */
async function answerByBestOfN(bench: Bench, before: Judged, prompts: readonly WorldPrompt[]): Promise<MethodOutcome> {
  const { plan, workshop, sft, scorer, seed, tokens, maxNewTokens } = bench;
  const started = performance.now();
  const asked = prompts.flatMap((prompt) => Array.from({ length: plan.samples }, () => prompt));
  const rows = promptRows(asked, 'policy', workshop.tokenizer, sft.shape.context - maxNewTokens);
  const said: Answer[] = [];
  for (let first = 0; first < rows.length; first += 32) {
    const some = await bestOfN(sft, rows.slice(first, first + 32), tokens, scorer, {
      n: plan.n,
      temperature: 1,
      maxNewTokens,
      seed: (seed + 7919 + first) >>> 0,
    });
    some.responses.forEach((response, i) => {
      const prompt = asked[first + i] as WorldPrompt;
      const text = decodeReply(workshop.tokenizer, response);
      const finished = some.finished[i] as boolean;
      const { score, parts } = goldScore(workshop.world, prompt, text, finished);
      said.push({ prompt, response, text, finished, gold: score, parts });
    });
  }
  const sampled = plan.n * said.reduce((sum, { response }, i) => sum + response.length + (rows[i]?.length ?? 0), 0);
  const after = { sampled: said, greedy: before.greedy };
  return {
    ...outcomeOf(before, after, plan.samples),
    kl: null,
    flops: 2 * parameterCount(sft.shape) * 2 * sampled,
    seconds: (performance.now() - started) / 1000,
  };
}
