/**
 * Small beats large: a small model that was tuned on rankings against the base and the SFT model of at least ten times
 * its parameters. Held-out prompts about the core of the town, which models of any size have read of; labelers whose
 * taste no reward model has learned.
 */
import { WORLD_SEED } from '../../src/config';
import type { Gpt } from '../../src/model/gpt';
import type { Answer } from '../../src/rlhf/answers';
import { meanByPrompt } from '../../src/rlhf/winRate';
import type { Estimate, ModelRole } from '../../src/session/protocol';
import { samplePrompts, type WorldPrompt } from '../../src/text/world/prompts';
import { createWorld, type World } from '../../src/text/world/world';
import { answersOf, piecesOf } from './answers';
import { contest, scoresOf, type Contest, type Scores } from './contest';
import { fewShotExamples } from './fewShot';
import { predictText, type TextPrediction } from './heldOutText';
import { piecesOfLoop, trainPolicy, type LoopOutcome, type LoopPlan } from './loop';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';

export interface SmallBeatsLargePlan {
  seeds: readonly number[];
  /** Held-out prompts a seed; each seed draws its own. */
  prompts: number;
  /** Replies of each side to each prompt. */
  samples: number;
  temperature: number;
  /** Examples that the prompted base model is shown. */
  shots: number;
  /** Windows of held-out text for the perplexities. */
  windows: number;
  loop: Omit<LoopPlan, 'seed'>;
}

/** Who answers. The base model is asked plainly, and once more with examples before the prompt. */
export const SIDES = ['policy', 'sft', 'largeSft', 'largePrompted', 'largeBase'] as const;
export type ContestSide = (typeof SIDES)[number];

/** Who meets whom. */
export const CONTESTS = [
  { ours: 'policy', theirs: 'largeBase' },
  { ours: 'policy', theirs: 'largePrompted' },
  { ours: 'policy', theirs: 'largeSft' },
  { ours: 'sft', theirs: 'largeBase' },
  { ours: 'sft', theirs: 'largePrompted' },
  { ours: 'sft', theirs: 'largeSft' },
  { ours: 'policy', theirs: 'sft' },
] as const satisfies readonly { ours: ContestSide; theirs: ContestSide }[];

export const contestName = ({ ours, theirs }: { ours: ContestSide; theirs: ContestSide }): string =>
  `${ours} over ${theirs}`;

export interface SmallBeatsLargeSeed {
  seed: number;
  loop: LoopOutcome;
  /** By `contestName`. */
  contests: Record<string, Contest>;
  /** The balanced labeler's score, 0 to 1. */
  gold: Record<ContestSide, Estimate>;
}

export interface SmallBeatsLarge {
  result: 'small-beats-large';
  plan: SmallBeatsLargePlan;
  small: ModelFacts;
  large: ModelFacts;
  /** On the same held-out text about the core. */
  text: Record<'small' | 'large', Record<'base' | 'sft', TextPrediction>>;
  seeds: SmallBeatsLargeSeed[];
  made: Made;
}

/** A piece of the large model's work takes so many times as long as one of the small model's. */
const LARGE_PIECE = 4;

/** @param tune makes the small model's policy */
export async function smallBeatsLarge(
  small: LoadedModels,
  large: LoadedModels,
  plan: SmallBeatsLargePlan,
  say?: (line: string) => void,
  tune: typeof trainPolicy = trainPolicy,
): Promise<Omit<SmallBeatsLarge, 'made'>> {
  const progress = new Progress(plan.seeds.length * piecesOfSeed(plan), say);
  const reach = [small, large].some(({ workshop }) => workshop.world.reach === 'town') ? 'town' : 'core';
  const judge = createWorld(WORLD_SEED, { reach });
  const text = {
    small: await textOf(small, judge, plan.windows),
    large: await textOf(large, judge, plan.windows),
  };
  const seeds: SmallBeatsLargeSeed[] = [];
  for (const seed of plan.seeds) {
    const what = (part: string): string => `seed ${seed}: ${part}`;
    const loop = await tune(small.workshop, { ...plan.loop, seed }, (part, pieces) =>
      progress.advance(what(part), pieces),
    );
    const prompts = samplePrompts(judge, 'heldOut', plan.prompts, seed, 'core');
    const scores = {} as Record<ContestSide, Scores>;
    const gold = {} as Record<ContestSide, Estimate>;
    for (const side of SIDES) {
      const answers = await answersOfSide(side, small, large, judge, prompts, plan, seed, (pieces) =>
        progress.advance(what('held-out prompts'), pieces),
      );
      scores[side] = scoresOf(judge, answers);
      gold[side] = meanByPrompt(answers.map((own) => own.map((answer) => answer.gold)));
    }
    const contests = Object.fromEntries(
      CONTESTS.map((pair) => [contestName(pair), contest(scores[pair.ours], scores[pair.theirs])]),
    );
    seeds.push({ seed, loop, contests, gold });
    const rate = (name: string): string => ((contests[name]?.mean.value ?? NaN) * 100).toFixed(1);
    say?.(what(`over base ${rate('policy over largeBase')}%, over SFT ${rate('policy over largeSft')}%`));
  }
  return { result: 'small-beats-large', plan, small: small.facts, large: large.facts, text, seeds };
}

async function answersOfSide(
  side: ContestSide,
  small: LoadedModels,
  large: LoadedModels,
  judge: World,
  prompts: readonly WorldPrompt[],
  { samples, temperature, shots }: SmallBeatsLargePlan,
  seed: number,
  onPieces: (pieces: number) => void,
): Promise<Answer[][]> {
  const isLarge = side.startsWith('large');
  const { models, tokenizer, world } = (isLarge ? large : small).workshop;
  const role: ModelRole = side === 'policy' ? 'policy' : side === 'sft' || side === 'largeSft' ? 'sft' : 'base';
  const plain = { samplesPerPrompt: samples, temperature, seed };
  const request = side === 'largePrompted' ? { ...plain, shown: fewShotExamples(world, shots, seed) } : plain;
  const speaker = { gpt: models.gpt(role) as Gpt, role, tokenizer };
  return answersOf(speaker, judge, prompts, request, (pieces) => onPieces(isLarge ? LARGE_PIECE * pieces : pieces));
}

async function textOf(
  { workshop: { models, tokenizer } }: LoadedModels,
  world: World,
  windows: number,
): Promise<Record<'base' | 'sft', TextPrediction>> {
  const of = (role: ModelRole): Promise<TextPrediction> =>
    predictText(models.gpt(role) as Gpt, tokenizer, world, windows);
  return { base: await of('base'), sft: await of('sft') };
}

const piecesOfSeed = ({ prompts, loop }: SmallBeatsLargePlan): number =>
  piecesOfLoop(loop) + piecesOf(prompts) * (2 + 3 * LARGE_PIECE);
