/**
 * Every method at equal labels: from one SFT model, the same rankings and the same reward model, what does each make of
 * them? Those that need rankings alone are given the rankings; those that sample are paid by the reward model.
 */
import { DEFAULT_SETTINGS, MAX_RESPONSE_TOKENS, type PpoSettings, type PresetName, type Settings, type PolicyGradientSettings, type PreferenceSettings } from '../../src/config';
import { parameterCount, cloneGpt, disposeGpt, type Gpt } from '../../src/model/gpt';
import type { RewardModel } from '../../src/model/rewardHead';
import { AdaptiveKlController, FixedKlController } from '../../src/rlhf/adaptiveKlController';
import { answers, promptRows, type Answer } from '../../src/rlhf/answers';
import { bestOfN } from '../../src/rlhf/bestOfNPolicy';
import { CONSERVATIVE_DPO, DPO, ROBUST_DPO } from '../../src/rlhf/dpo';
import { pairedWinRate } from '../../src/rlhf/evaluation';
import { DR_GRPO, GRPO } from '../../src/rlhf/grpo';
import { IPO, IPO_MEAN } from '../../src/rlhf/ipo';
import { kto, KTO_DEFAULTS, type KtoSettings, thumbsOf } from '../../src/rlhf/kto';
import { onlineDpo, type OnlineSettings } from '../../src/rlhf/onlineDpo';
import { ORPO } from '../../src/rlhf/orpo';
import {
  policyGradient,
  type PolicyGradientMethod,
  policyGradientOptimiser,
} from '../../src/rlhf/policyGradient';
import {
  optimisePreferences,
  type PreferenceMethod,
  preferenceState,
} from '../../src/rlhf/preferenceOptimisation';
import { REINFORCE } from '../../src/rlhf/reinforce';
import { REINFORCE_PLUS_PLUS } from '../../src/rlhf/reinforcePlusPlus';
import { rejectionSampling, type RejectionSamplingSettings } from '../../src/rlhf/rejectionSampling';
import { type TokenisedRanking, withPairs } from '../../src/rlhf/rewardModel';
import { RLOO } from '../../src/rlhf/rloo';
import { driftOf } from '../../src/rlhf/rollout';
import { rewardModelScorer, type Scorer } from '../../src/rlhf/scorer';
import { SIMPO } from '../../src/rlhf/simpo';
import { longestReply, promptTokens, tokeniseRanking } from '../../src/rlhf/simulatedRankings';
import { meanByPrompt } from '../../src/rlhf/winRate';
import type { Estimate, Ranking, RewardModelReport, WinRate } from '../../src/session/protocol';
import { PpoStage } from '../../src/session/stages/ppoStage';
import { RewardModelStage } from '../../src/session/stages/rewardModelStage';
import type { Workshop } from '../../src/session/workshop';
import { decodeReply } from '../../src/text/chatTemplate';
import { goldScore } from '../../src/text/world/gold';
import { samplePrompts, type WorldPrompt } from '../../src/text/world/prompts';
import { rank, runStage, type LoopPlan } from './loop';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';

const GROUP_METHODS = [RLOO, GRPO, DR_GRPO, REINFORCE, REINFORCE_PLUS_PLUS];
const PREFERENCE_METHODS = [DPO, CONSERVATIVE_DPO, ROBUST_DPO, IPO, IPO_MEAN, SIMPO, ORPO];

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
  groups: Record<string, PolicyGradientSettings>;
  preferences: Record<string, PreferenceSettings>;
  kto: KtoSettings;
  online: OnlineSettings;
  onlineDpo: PreferenceSettings;
  rejectionSampling: RejectionSamplingSettings;
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
    outcomes: Record<string, MethodOutcome>;
  }[];
  made: Made;
}

export function methodsPlan(preset: PresetName, seeds: readonly number[], rankings: number, quick: boolean): MethodsPlan {
  const { rewardModel, ppo } = DEFAULT_SETTINGS;
  const brief = quick ? { updates: 1 } : {};
  const online = { temperature: 1, maxNewTokens: MAX_RESPONSE_TOKENS };
  const few = quick ? { prompts: 4, replies: 2, minibatchSize: 4 } : {};
  return {
    preset,
    seeds,
    rankings,
    heldOutRankings: quick ? 2 : 100,
    prompts: quick ? 4 : 300,
    samples: 2,
    rewardModel: { ...rewardModel, ...(quick ? { epochs: 1 } : {}) },
    ppo: { ...ppo, ...brief, ...(quick ? { batchSize: 4, minibatchSize: 4 } : {}) },
    groups: Object.fromEntries(
      GROUP_METHODS.map(({ name, defaults }) => [
        name,
        { ...defaults, ...brief, ...(quick ? { ...few, replies: Math.min(2, defaults.replies) } : {}) },
      ]),
    ),
    preferences: Object.fromEntries(
      PREFERENCE_METHODS.map(({ name, defaults }) => [name, { ...defaults, ...(quick ? { epochs: 1 } : {}) }]),
    ),
    kto: { ...KTO_DEFAULTS, ...(quick ? { epochs: 1 } : {}) },
    online: { updates: ppo.updates, prompts: 32, replies: 4, missingEosPenalty: 1, ...online, ...brief, ...few },
    onlineDpo: { ...DPO.defaults, learningRate: 2e-4 },
    rejectionSampling: {
      rounds: quick ? 1 : 4,
      prompts: quick ? 4 : 256,
      n: 4,
      sft: { examples: 0, epochs: 1, batchSize: 16, learningRate: 4e-4 },
      ...online,
    },
    n: 4,
  };
}

/** What every method of a seed begins with. */
interface Bench {
  plan: MethodsPlan;
  seed: number;
  workshop: Workshop;
  sft: Gpt;
  rewardModel: RewardModel;
  rankings: TokenisedRanking[];
  scorer: Scorer;
  maxNewTokens: number;
  tokens: { stop: number; pad: number };
  promptsOf(count: number): (update: number) => number[][];
}

/** A policy, and how many tokens went through which passes while it was made. */
interface Trained {
  policy: Gpt;
  /** Tokens sampled, prompts included; scored, summed over the models that score; and learned from, with gradients. */
  tokens: { sampled: number; scored: number; learned: number };
  end: () => void;
}

type Learn = (bench: Bench) => Promise<Trained>;

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
): Promise<Omit<Methods, 'made'>> {
  const names = [...Object.keys(LEARN), BEST_OF_N];
  const progress = new Progress(plan.seeds.length * (names.length + 1), say);
  const seeds: Methods['seeds'] = [];
  for (const seed of plan.seeds) {
    const { bench, report } = await beginBench(workshop, plan, seed, collect);
    progress.advance(`seed ${seed}: rankings and reward model`, 1);
    const prompts = samplePrompts(workshop.world, 'heldOut', plan.prompts, seed);
    const before = await judged(bench, bench.sft, prompts);
    const outcomes: Record<string, MethodOutcome> = {};
    for (const [name, learn] of Object.entries(LEARN)) {
      const started = performance.now();
      const { policy, tokens, end } = await learn(bench);
      const seconds = (performance.now() - started) / 1000;
      const after = await judged(bench, policy, prompts);
      const weights = parameterCount(policy.shape);
      const flops = 2 * weights * (tokens.sampled + tokens.scored + 3 * tokens.learned);
      outcomes[name] = { ...outcomeOf(before, after, plan.samples), kl: await klOf(bench, policy, after), flops, seconds };
      end();
      progress.advance(`seed ${seed}: ${name}`, 1);
    }
    outcomes[BEST_OF_N] = await answerByBestOfN(bench, before, prompts);
    progress.advance(`seed ${seed}: ${BEST_OF_N}`, 1);
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
  const { models, tokenizer, world } = workshop;
  const { rankings: count, heldOutRankings, rewardModel: settings, ppo } = plan;
  const loop: LoopPlan = { seed, rankings: count, heldOutRankings, labeler: 'balanced', settings: { rewardModel: settings, ppo } };
  const { train, heldOut } = await collect(workshop, loop);
  const learning = new RewardModelStage(workshop, settings, train, heldOut, seed);
  await runStage(learning, () => undefined);
  const rewardModel = models.rewardModels[0] as RewardModel;
  const { context } = models.shape;
  const maxNewTokens = longestReply(context, MAX_RESPONSE_TOKENS);
  const bench: Bench = {
    plan,
    seed,
    workshop,
    sft: models.gpt('sft') as Gpt,
    rewardModel,
    rankings: withPairs(train.map((ranking) => tokeniseRanking(tokenizer, ranking, context))),
    scorer: rewardModelScorer(rewardModel),
    maxNewTokens,
    tokens: { stop: tokenizer.specials.end, pad: tokenizer.specials.pad },
    promptsOf: (count) => (update) =>
      samplePrompts(world, 'train', count, seed + update).map(({ messages }) =>
        promptTokens(tokenizer, messages, 'policy', context - maxNewTokens),
      ),
  };
  return { bench, report: learning.report as RewardModelReport };
}

/** Tokens of prompts and replies, from what an update reports of its replies. */
const tokensOf = (prompts: readonly number[][], each: number, replyLength: number): number =>
  prompts.reduce((sum, { length }) => sum + each * (length + replyLength), 0);

async function learnByPpo({ plan, workshop, seed, promptsOf }: Bench): Promise<Trained> {
  const { ppo } = plan;
  let sampled = 0;
  let update = 0;
  await runStage(new PpoStage(workshop, ppo, [], false, seed), (metrics) => {
    sampled += tokensOf(promptsOf(ppo.batchSize)(update++), 1, metrics['tokens/responses_len_mean'] ?? 0);
  });
  const policy = workshop.models.gpt('policy') as Gpt;
  // Policy, reference, reward and value model score; policy and value model learn in each epoch.
  const tokens = { sampled, scored: 4 * sampled, learned: 2 * ppo.ppoEpochs * sampled };
  return { policy, tokens, end: () => workshop.models.drop('policy') };
}

const byGroups =
  (method: PolicyGradientMethod): Learn =>
  async ({ plan, sft: refPolicy, seed, scorer, tokens: control, promptsOf, maxNewTokens }) => {
    const settings = { ...(plan.groups[method.name] as PolicyGradientSettings), maxNewTokens };
    const policy = cloneGpt(refPolicy);
    const optimiser = policyGradientOptimiser(policy, settings);
    const { klTarget, klHorizon } = plan.ppo;
    const klController =
      settings.klCoef > 0
        ? new AdaptiveKlController(settings.klCoef, klTarget, klHorizon)
        : new FixedKlController(settings.klCoef);
    const state = { policy, refPolicy, optimiser, klController, update: 0, memory: {} };
    const prompts = promptsOf(settings.prompts);
    let sampled = 0;
    for await (const { step, metrics } of policyGradient(state, {
      method,
      settings,
      tokens: control,
      seed,
      promptsOf: prompts,
      scorer,
      describe: () => ({ prompt: '', reply: '' }),
    }))
      if (metrics)
        sampled += tokensOf(prompts(step - 1), settings.replies, metrics['tokens/responses_len_mean'] ?? 0);
    optimiser.dispose();
    const tokens = { sampled, scored: 3 * sampled, learned: settings.epochs * sampled };
    return { policy, tokens, end: () => disposeGpt(policy) };
  };

const lengthOf = (rankings: readonly TokenisedRanking[]): number =>
  rankings.reduce(
    (sum, { prompt, replies }) => sum + replies.reduce((own, { length }) => own + prompt.length + length, 0),
    0,
  );

const byPreferences =
  (method: PreferenceMethod): Learn =>
  async ({ plan, sft, seed, rankings, tokens: { pad } }) => {
    const settings = plan.preferences[method.name] as PreferenceSettings;
    const state = preferenceState(sft);
    for await (const _ of optimisePreferences(state, method, rankings, settings, pad, seed));
    state.optimiser.dispose();
    const learned = settings.epochs * lengthOf(rankings);
    const tokens = { sampled: 0, scored: method.needsReference ? learned : 0, learned };
    return { policy: state.policy, tokens, end: () => disposeGpt(state.policy) };
  };

const byKto: Learn = async ({ plan, sft, seed, rankings, tokens: { pad } }) => {
  const state = preferenceState(sft);
  const thumbs = thumbsOf(rankings);
  for await (const _ of kto(state, thumbs, plan.kto, pad, seed));
  state.optimiser.dispose();
  const length = thumbs.reduce((sum, { prompt, reply }) => sum + prompt.length + reply.length, 0);
  const learned = plan.kto.epochs * length;
  return { policy: state.policy, tokens: { sampled: 0, scored: 3 * learned, learned }, end: () => disposeGpt(state.policy) };
};

const byOnlineDpo: Learn = async ({ plan, sft, seed, scorer, tokens: control, promptsOf, maxNewTokens }) => {
  const state = preferenceState(sft);
  const online = { ...plan.online, maxNewTokens };
  const prompts = promptsOf(online.prompts);
  const asked = Array.from({ length: online.updates }, (_, update) => prompts(update)).flat();
  const run = { method: DPO, settings: plan.onlineDpo, online, tokens: control, seed, promptsOf: prompts, scorer };
  for await (const _ of onlineDpo(state, run));
  state.optimiser.dispose();
  // Replies are taken to be half as long as they may be.
  const sampled = tokensOf(asked, online.replies, maxNewTokens / 2);
  return {
    policy: state.policy,
    tokens: { sampled, scored: 2 * sampled, learned: sampled },
    end: () => disposeGpt(state.policy),
  };
};

const byRejection: Learn = async ({ plan, sft, seed, scorer, tokens: control, promptsOf, maxNewTokens }) => {
  const settings = { ...plan.rejectionSampling, maxNewTokens };
  const policy = cloneGpt(sft);
  const prompts = promptsOf(settings.prompts);
  for await (const _ of rejectionSampling(policy, { settings, tokens: control, seed, promptsOf: prompts, scorer }));
  const asked = Array.from({ length: settings.rounds }, (_, round) => prompts(round)).flat();
  const sampled = tokensOf(asked, settings.n, maxNewTokens / 2);
  const learned = (settings.sft.epochs * sampled) / settings.n;
  return { policy, tokens: { sampled, scored: sampled, learned }, end: () => disposeGpt(policy) };
};

const LEARN: Readonly<Record<string, Learn>> = {
  PPO: learnByPpo,
  ...Object.fromEntries(GROUP_METHODS.map((method) => [method.name, byGroups(method)])),
  ...Object.fromEntries(PREFERENCE_METHODS.map((method) => [method.name, byPreferences(method)])),
  KTO: byKto,
  'online DPO': byOnlineDpo,
  'rejection sampling': byRejection,
};
const BEST_OF_N = 'best of n';
export const METHOD_NAMES: readonly string[] = [...Object.keys(LEARN), BEST_OF_N];

interface Judged {
  sampled: Answer[];
  greedy: Answer[];
}

async function judged({ workshop, plan, seed, maxNewTokens }: Bench, gpt: Gpt, prompts: readonly WorldPrompt[]): Promise<Judged> {
  const speaker = { gpt, role: 'policy' as const, tokenizer: workshop.tokenizer };
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

async function klOf({ workshop, sft, tokens }: Bench, policy: Gpt, { sampled }: Judged): Promise<number> {
  const responses = sampled.map(({ response }) => response);
  const rows = promptRows(
    sampled.map(({ prompt }) => prompt),
    'policy',
    workshop.tokenizer,
    sft.shape.context - MAX_RESPONSE_TOKENS,
  );
  let sum = 0;
  for (let first = 0; first < rows.length; first += 64) {
    const drift = await driftOf(policy, sft, rows.slice(first, first + 64), responses.slice(first, first + 64), tokens.pad, 1);
    sum += drift.reduce((total, nats) => total + nats, 0);
  }
  return sum / rows.length;
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
