/**
 * Steps help: the same SFT model adds two numbers over ten, asked plainly and asked to show its steps. The same pairs of
 * numbers both times: pairs that no text and no demonstration adds, and pairs that the demonstrations add in other
 * words.
 */
import type { PresetName, SftSettings } from '../../src/config';
import type { Gpt } from '../../src/model/gpt';
import { meanByPrompt } from '../../src/rlhf/winRate';
import type { Estimate } from '../../src/session/protocol';
import { groupBy } from '../../src/text/world/grouping';
import { worldPrompts, type WorldPrompt } from '../../src/text/world/prompts';
import { pairOf } from '../../src/text/world/tasks/sums';
import type { World } from '../../src/text/world/world';
import { answersOf, piecesOf } from './answers';
import { fineTune, piecesOfSft } from './fineTuning';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';

export interface StepsHelpPlan {
  preset: PresetName;
  /** Of fine-tuning: which demonstrations, and their order. */
  seeds: readonly number[];
  sft: SftSettings;
  /** Most prompts of each condition. */
  prompts: number;
  /** Replies to each prompt at temperature 1; greedy gives one. */
  samples: number;
}

export type Pairs = 'held out' | 'in other words';

/** One condition. */
export interface StepsCell {
  pairs: Pairs;
  /** Asked to show its steps. */
  steps: boolean;
  /** 0 is greedy. */
  temperature: number;
  prompts: number;
  /** Different pairs of numbers among them, by which the standard error is clustered. */
  sums: number;
  /** Share of right totals. */
  right: Estimate;
}

export interface StepsHelp {
  result: 'steps-help';
  plan: StepsHelpPlan;
  model: ModelFacts;
  seeds: { seed: number; cells: StepsCell[] }[];
  made: Made;
}

const TEMPERATURES = [0, 1] as const;

export async function stepsHelp(
  { workshop, facts }: LoadedModels,
  plan: StepsHelpPlan,
  cache: string | null,
  say?: (line: string) => void,
): Promise<Omit<StepsHelp, 'made'>> {
  const conditions = conditionsOf(workshop.world, plan.prompts);
  const pieces = conditions.reduce((sum, { prompts }) => sum + piecesOf(prompts.length), 0) * TEMPERATURES.length;
  const progress = new Progress(plan.seeds.length * (piecesOfSft(plan.sft) + pieces), say);
  const seeds: StepsHelp['seeds'] = [];
  for (const seed of plan.seeds) {
    await fineTune(workshop, plan.sft, seed, cache, (done) => progress.advance(`seed ${seed}: fine-tuning`, done));
    const speaker = {
      gpt: workshop.models.gpt('sft') as Gpt,
      role: 'sft' as const,
      tokenizer: workshop.tokenizer,
    };
    const cells: StepsCell[] = [];
    for (const { pairs, steps, prompts } of conditions) {
      for (const temperature of TEMPERATURES) {
        const request = { samplesPerPrompt: temperature === 0 ? 1 : plan.samples, temperature, seed };
        const answers = await answersOf(speaker, workshop.world, prompts, request, (done) =>
          progress.advance(`seed ${seed}: sums`, done),
        );
        const bySum = [...groupBy(answers.flat(), ({ prompt }) => sumOf(prompt)).values()];
        const shares = bySum.map((own) => own.map(({ parts }) => Number(parts.right === 1)));
        cells.push({
          pairs,
          steps,
          temperature,
          prompts: prompts.length,
          sums: bySum.length,
          right: meanByPrompt(shares),
        });
      }
    }
    seeds.push({ seed, cells });
  }
  return { result: 'steps-help', plan, model: facts, seeds };
}

interface Condition {
  pairs: Pairs;
  steps: boolean;
  prompts: WorldPrompt[];
}

/** Sums of the same ordered pairs with and without steps; every wording of each, as far as there is room. */
export function conditionsOf(world: World, most: number): Condition[] {
  const { heldOut } = worldPrompts(world);
  return (['combination', 'phrasing'] as const).flatMap((side) => {
    const [withSteps, plain] = (['steps', 'sum'] as const).map((kind) =>
      groupBy(
        heldOut.filter((prompt) => prompt.kind === kind && prompt.side === side),
        orderedSumOf,
      ),
    ) as [Map<string, WorldPrompt[]>, Map<string, WorldPrompt[]>];
    const both = [...withSteps.keys()].filter((sum) => plain.has(sum));
    const pairs: Pairs = side === 'combination' ? 'held out' : 'in other words';
    return [
      { pairs, steps: false, prompts: inTurns(both.map((sum) => plain.get(sum) ?? [])).slice(0, most) },
      { pairs, steps: true, prompts: inTurns(both.map((sum) => withSteps.get(sum) ?? [])).slice(0, most) },
    ];
  });
}

/** The first of each list, then the second of each, and so on. */
function inTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}

function orderedSumOf({ expect }: WorldPrompt): string {
  return expect.task === 'add' ? `${expect.a}+${expect.b}` : '';
}

const sumOf = ({ expect }: WorldPrompt): string => (expect.task === 'add' ? pairOf(expect) : '');
