/**
 * Instruction data: what a model can do on held-out prompts, against the number of demonstrations it was fine-tuned on;
 * with none it is the base model, asked plainly and shown examples.
 */
import type { PresetName, SftSettings } from '../../src/config';
import type { Gpt } from '../../src/model/gpt';
import type { Answer, AnswerRequest } from '../../src/rlhf/answers';
import { meanByPrompt } from '../../src/rlhf/winRate';
import type { Estimate } from '../../src/session/protocol';
import { groupBy } from '../../src/text/world/grouping';
import { samplePrompts, type WorldPrompt } from '../../src/text/world/prompts';
import { answersOf, piecesOf } from './answers';
import { fewShotExamples } from './fewShot';
import { fineTune, piecesOfSft } from './fineTuning';
import type { LoadedModels, ModelFacts } from './models';
import { Progress } from './progress';
import type { Made } from './records';

export interface InstructionDataPlan {
  preset: PresetName;
  /** Of fine-tuning: which demonstrations, and their order; and of the prompts. */
  seeds: readonly number[];
  /** Held-out prompts a seed, of all kinds. */
  prompts: number;
  /** Examples that the base model is shown where it is shown any. */
  shots: number;
  /** Numbers of demonstrations, rising. */
  counts: readonly number[];
  sft: SftSettings;
}

/** How one model did. */
export interface InstructionPoint {
  demonstrations: number;
  /** Examples before the prompt, of a base model; 0 for a fine-tuned one. */
  shots: number;
  epochs: number;
  /** Share of right greedy replies. */
  right: Estimate;
  /** The same by side and by kind of prompt. */
  rightBySide: Record<string, number>;
  rightByKind: Record<string, number>;
  gold: Estimate;
}

export interface InstructionData {
  result: 'instruction-data';
  plan: InstructionDataPlan;
  model: ModelFacts;
  /** Prompts of each side, in the first seed. */
  promptsBySide: Record<string, number>;
  seeds: { seed: number; points: InstructionPoint[] }[];
  made: Made;
}

/** Few demonstrations are seen more often, so that a small set is not also a short training. */
const FEWEST_STEPS = 200;
const MOST_EPOCHS = 20;

export function settingsFor(count: number, sft: SftSettings): SftSettings {
  const stepsOfEpoch = Math.ceil(count / sft.batchSize);
  const epochs = Math.min(MOST_EPOCHS, Math.max(sft.epochs, Math.ceil(FEWEST_STEPS / stepsOfEpoch)));
  return { ...sft, examples: count, epochs };
}

export async function instructionData(
  { workshop, facts }: LoadedModels,
  plan: InstructionDataPlan,
  cache: string | null,
  say?: (line: string) => void,
): Promise<Omit<InstructionData, 'made'>> {
  const { models, tokenizer, world } = workshop;
  const trainings = plan.counts.map((count) => settingsFor(count, plan.sft));
  const answering = piecesOf(plan.prompts) * (trainings.length + 2);
  const training = trainings.reduce((sum, settings) => sum + piecesOfSft(settings), 0);
  const progress = new Progress(plan.seeds.length * (answering + training), say);
  const seeds: InstructionData['seeds'] = [];
  let promptsBySide: Record<string, number> = {};
  for (const seed of plan.seeds) {
    const prompts = samplePrompts(world, 'heldOut', plan.prompts, seed);
    if (seeds.length === 0) promptsBySide = countBy(prompts, ({ side }) => side);
    const measure = async (
      role: 'base' | 'sft',
      what: string,
      changes: Pick<AnswerRequest, 'shown'>,
    ): Promise<Measured> => {
      const request = { samplesPerPrompt: 1, temperature: 0, seed, ...changes };
      const speaker = { gpt: models.gpt(role) as Gpt, role, tokenizer };
      const answers = await answersOf(speaker, world, prompts, request, (done) =>
        progress.advance(`seed ${seed}: ${what}`, done),
      );
      return measured(answers.flat());
    };
    const points: InstructionPoint[] = [];
    for (const shots of [0, plan.shots]) {
      const own = await measure('base', `base model, ${shots} examples`, {
        shown: fewShotExamples(world, shots, seed),
      });
      points.push({ demonstrations: 0, shots, epochs: 0, ...own });
    }
    for (const settings of trainings) {
      const what = `${settings.examples} demonstrations`;
      await fineTune(workshop, settings, seed, cache, (pieces) => progress.advance(`seed ${seed}: ${what}`, pieces));
      const own = await measure('sft', what, {});
      points.push({ demonstrations: settings.examples, shots: 0, epochs: settings.epochs, ...own });
    }
    seeds.push({ seed, points });
  }
  return { result: 'instruction-data', plan, model: facts, promptsBySide, seeds };
}

type Measured = Pick<InstructionPoint, 'right' | 'rightBySide' | 'rightByKind' | 'gold'>;

function measured(answers: readonly Answer[]): Measured {
  const right = ({ parts }: Answer): number => Number(parts.right === 1);
  const rightBy = (key: (prompt: WorldPrompt) => string): Record<string, number> =>
    Object.fromEntries(
      [...groupBy(answers, ({ prompt }) => key(prompt))].map(([name, own]) => [
        name,
        own.reduce((sum, answer) => sum + right(answer), 0) / own.length,
      ]),
    );
  return {
    right: meanByPrompt(answers.map((answer) => [right(answer)])),
    rightBySide: rightBy(({ side }) => side),
    rightByKind: rightBy(({ kind }) => kind),
    gold: meanByPrompt(answers.map(({ gold }) => [gold])),
  };
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...groupBy(items, key)].map(([name, own]) => [name, own.length]));
}
