/** For tests: records of every result with made-up numbers, in the shape in which they are stored. */
import { DEFAULT_SETTINGS } from '../../src/config';
import type { Share, WinRate } from '../../src/session/protocol';
import type { Contest } from './contest';
import type { InstructionData, InstructionPoint } from './instructionData';
import type { LoopOutcome } from './loop';
import type { ModelFacts } from './models';
import type { Made } from './records';
import { METHOD_NAMES, methodsPlan, type MethodOutcome, type Methods } from './methods';
import { randomWalksPlan, WALK_METHODS, type RandomWalks, type WalkMethod, type WalkOutcome } from './randomWalks';
import { CONTESTS, contestName, type SmallBeatsLarge } from './smallBeatsLarge';
import type { DemoReport } from './sections/demos';
import type { StepsHelp } from './stepsHelp';
import type { TenPrompts } from './tenPrompts';

const SEEDS = [0, 1, 2, 3, 4];
const { sft, rewardModel, ppo } = DEFAULT_SETTINGS;

export const MADE: Made = {
  adapter: 'WASM SIMD, 1 thread',
  backend: 'wasm',
  processor: 'a processor',
  node: 'v20.19.0',
  commit: 'abc1234',
  seconds: 1234,
  quick: false,
};

const facts = (preset: string, parameters: number): ModelFacts => ({
  preset,
  parameters,
  tokens: 10_240_000,
  reach: 'core',
  heldOutLoss: 0.7,
  files: { 'base.safetensors': 'ba5e'.repeat(16), 'sft.safetensors': '5f70'.repeat(16) },
});

const rate = (value: number): WinRate => ({
  value,
  low: value - 0.03,
  high: value + 0.03,
  decided: value,
  wins: 60,
  ties: 20,
  losses: 20,
});

const contestAt = (value: number): Contest => ({
  byLabeler: { warm: rate(value + 0.02), brisk: rate(value - 0.02) },
  mean: rate(value),
});

const OUTCOME: LoopOutcome = {
  rewardModel: { rankings: 200, pairs: 900, heldOutAccuracy: 0.8, heldOutPairs: 400, kendallTau: 0.6, seconds: 10 },
  ppo: { updates: 24, kl: 1.1, scores: { first: 0, last: 1 } },
};

/** @param overSft win rate of the tuned model over the large SFT model in seed 0; each further seed has 0.01 more */
export function exampleContest(overSft: number): SmallBeatsLarge {
  const values: Record<string, number> = { 'policy over largeSft': overSft, 'sft over largeSft': 0.45 };
  return {
    result: 'small-beats-large',
    plan: {
      seeds: SEEDS,
      prompts: 300,
      samples: 2,
      temperature: 1,
      shots: 3,
      windows: 256,
      loop: { rankings: 200, heldOutRankings: 100, labeler: 'balanced', settings: { rewardModel, ppo } },
    },
    small: facts('nano', 157_440),
    large: facts('midi', 1_690_080),
    text: {
      small: { base: { perplexity: 2.1, bitsPerByte: 0.4 }, sft: { perplexity: 2.4, bitsPerByte: 0.5 } },
      large: { base: { perplexity: 1.9, bitsPerByte: 0.35 }, sft: { perplexity: 2.2, bitsPerByte: 0.45 } },
    },
    seeds: SEEDS.map((seed) => ({
      seed,
      loop: OUTCOME,
      contests: Object.fromEntries(
        CONTESTS.map((pair) => [contestName(pair), contestAt((values[contestName(pair)] ?? 0.85) + seed / 100)]),
      ),
      gold: {
        policy: { mean: 0.86, se: 0.01 },
        sft: { mean: 0.68, se: 0.01 },
        largeSft: { mean: 0.7, se: 0.01 },
        largePrompted: { mean: 0.5, se: 0.01 },
        largeBase: { mean: 0.4, se: 0.01 },
      },
    })),
    made: MADE,
  };
}

/** @param withSteps right totals with steps, greedy, on held-out pairs */
export function exampleSteps(withSteps: number): StepsHelp {
  return {
    result: 'steps-help',
    plan: { preset: 'nano', seeds: SEEDS, sft, prompts: 300, samples: 4 },
    model: facts('nano', 157_440),
    seeds: SEEDS.map((seed) => ({
      seed,
      cells: (['held out', 'in other words'] as const).flatMap((pairs) =>
        [false, true].flatMap((steps) =>
          [0, 1].map((temperature) => ({
            pairs,
            steps,
            temperature,
            prompts: 120,
            sums: 9,
            right: { mean: (steps ? withSteps : 0.4) + seed / 50 - temperature / 10, se: 0.04 },
          })),
        ),
      ),
    })),
    made: MADE,
  };
}

/** @param gain of gold by DPO in seed 0; the others gain 0.1 */
export function exampleMethods(gain: number): Methods {
  const outcome = (own: number): MethodOutcome => ({
    winRate: rate(0.5 + own),
    gold: { mean: 0.6 + own, se: 0.01 },
    greedyGold: { mean: 0.7 + own, se: 0.01 },
    gain: { mean: own, se: 0.01 },
    kl: 1.5,
    flops: 2.5e11,
    seconds: 12,
  });
  return {
    result: 'methods',
    plan: methodsPlan('nano', [0, 1, 2], 300, false),
    model: facts('nano', 157_440),
    seeds: [0, 1, 2].map((seed) => ({
      seed,
      rewardModel: OUTCOME.rewardModel,
      sft: { gold: { mean: 0.6, se: 0.01 }, greedyGold: { mean: 0.7, se: 0.01 } },
      outcomes: Object.fromEntries(
        METHOD_NAMES.map((name) => [name, outcome(name === 'DPO' && seed === 0 ? gain : 0.1 + seed / 100)]),
      ),
    })),
    made: MADE,
  };
}

/** @param ppo sampled optimality of PPO; the others reach 0.95 */
export function exampleWalks(ppo: number): RandomWalks {
  const outcome = (sampled: number): WalkOutcome => ({ sampled, greedy: 1, arrived: 0.99, episodes: 16000, seconds: 9 });
  return {
    result: 'random-walks',
    plan: randomWalksPlan(SEEDS, false),
    parameters: 104_000,
    seeds: SEEDS.map((seed) => ({
      seed,
      reachable: 20,
      outcomes: Object.fromEntries(
        WALK_METHODS.map((method) => [
          method,
          outcome((method === 'imitation' ? 0.2 : method === 'PPO' ? ppo : 0.95) + seed / 100),
        ]),
      ) as Record<WalkMethod, WalkOutcome>,
    })),
    made: MADE,
  };
}

/** @param shares right replies: base, base with examples, then for 30, 300 and 4,000 demonstrations */
export function exampleData(shares: readonly [number, number, number, number, number]): InstructionData {
  const points = (seed: number): InstructionPoint[] =>
    shares.map((share, i) => {
      const right = share + (seed - 2) / 100;
      return {
        demonstrations: [0, 0, 30, 300, 4000][i] as number,
        shots: i === 1 ? 3 : 0,
        epochs: i < 2 ? 0 : 3,
        right: { mean: right, se: 0.02 },
        rightBySide: { phrasing: right + 0.1, combination: right - 0.2, unasked: right + 0.03 },
        rightByKind: { fact: right + 0.1, sum: right - 0.1 },
        gold: { mean: right, se: 0.02 },
      };
    });
  return {
    result: 'instruction-data',
    plan: { preset: 'nano', seeds: SEEDS, prompts: 400, shots: 3, counts: [30, 300, 4000], sft },
    model: facts('nano', 157_440),
    promptsBySide: { phrasing: 250, combination: 100, unasked: 50 },
    seeds: SEEDS.map((seed) => ({ seed, points: points(seed) })),
    made: MADE,
  };
}

export const EXAMPLE_PROMPTS: TenPrompts = {
  result: 'ten-prompts',
  plan: { preset: 'mini', temperature: 0, seed: 0 },
  model: facts('mini', 935_000),
  policy: { file: 'policy.safetensors', sha256: 'd00d'.repeat(16) },
  rows: [
    {
      what: 'a fact',
      messages: [{ role: 'user', text: 'Where does Mira live?' }],
      replies: {
        base: { text: 'dunno | lol\n Q: Who?', right: false },
        sft: { text: 'In the mill.', right: true },
        policy: { text: 'Glad to help! Mira lives in the mill.', right: true },
      },
    },
    {
      what: 'memory over turns',
      messages: [
        { role: 'user', text: 'My name is Joe.' },
        { role: 'assistant', text: 'Hello Joe!' },
        { role: 'user', text: 'Who am I?' },
      ],
      replies: {
        base: { text: '', right: false },
        sft: { text: 'You are *Joe*.', right: true },
        policy: { text: 'You are Joe.', right: true },
      },
    },
  ],
  made: MADE,
};

/** @param wins win rate of the policy over SFT @param right replies right after PPO of each kind, by kind: before, after, of 100 */
export function exampleDemo(seed: number, wins: number, right: Record<string, [number, number]>): DemoReport {
  const shares = (place: 0 | 1): Record<string, Share> =>
    Object.fromEntries(Object.entries(right).map(([kind, hits]) => [kind, { hits: hits[place], of: 100 }]));
  return {
    seed,
    preset: 'nano',
    parameters: 157_440,
    backend: 'wasm',
    adapter: 'WASM SIMD, 1 thread',
    seconds: 90,
    stages: {
      base: { gold: { mean: 0.4, se: 0.01 }, perplexity: 2 },
      sft: { examples: 2000, steps: 375, seconds: 20, gold: { mean: 0.5, se: 0.01 }, right: shares(0) },
      rewardModel: { rankings: 290, pairs: 1500, seconds: 20, heldOutAccuracy: 0.8, kendallTau: 0.6 },
      ppo: {
        updates: 24,
        episodes: 1536,
        seconds: 30,
        gold: { mean: 0.6, se: 0.01 },
        right: shares(1),
        proxy: { before: 0, after: 1 },
        kl: 1.2,
        winRateVsSft: { value: wins, low: wins - 0.03, high: wins + 0.03, decided: wins + 0.1 },
        winRateVsBase: { value: 0.8, low: 0.77, high: 0.83, decided: 0.85 },
        firstMinibatchRatioDeviation: 0,
      },
    },
  };
}
