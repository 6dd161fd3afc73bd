/** Ten prompts that a newcomer would type, none of which any model was trained on, to base, SFT and RLHF model. */
import type { PresetName } from '../../src/config';
import type { Gpt } from '../../src/model/gpt';
import type { Message, ModelRole } from '../../src/session/protocol';
import type { GreetingForm } from '../../src/text/world/language';
import { worldPrompts, type HeldOutSide, type PromptKind, type WorldPrompt } from '../../src/text/world/prompts';
import { Random } from '../../src/text/world/random';
import type { World } from '../../src/text/world/world';
import { answersOf } from './answers';
import type { LoopOutcome, LoopPlan } from './loop';
import type { LoadedModels, ModelFacts } from './models';
import type { Made } from './records';

export interface TenPromptsPlan {
  preset: PresetName;
  /** 0 is greedy. */
  temperature: number;
  /** Of the choice of prompts, and of the replies where they are sampled. */
  seed: number;
}

export interface Shown {
  text: string;
  /** It does what was asked, by the world's own truth. */
  right: boolean;
}

export interface TenPrompts {
  result: 'ten-prompts';
  plan: TenPromptsPlan;
  model: ModelFacts;
  /** How the policy was made, where this command made it, and the file that it came from where not. */
  policy: { file: string; sha256: string } | { plan: LoopPlan; outcome: LoopOutcome };
  rows: { what: string; messages: readonly Message[]; replies: Record<ModelRole, Shown> }[];
  made: Made;
}

export const ROLES: readonly ModelRole[] = ['base', 'sft', 'policy'];

interface Wanted {
  what: string;
  kind: PromptKind;
  side: HeldOutSide;
  where?: (prompt: WorldPrompt) => boolean;
}

const greets =
  (form: GreetingForm) =>
  ({ expect }: WorldPrompt): boolean =>
    expect.task === 'greet' && expect.form === form;

const WANTED: readonly Wanted[] = [
  { what: 'a greeting', kind: 'greeting', side: 'phrasing', where: greets('hello') },
  { what: 'a fact', kind: 'fact', side: 'phrasing' },
  { what: 'a fact that no demonstration asks', kind: 'fact', side: 'unasked' },
  { what: 'a sum with steps', kind: 'steps', side: 'combination' },
  { what: 'memory over turns', kind: 'memory', side: 'phrasing', where: ({ messages }) => messages.length > 3 },
  { what: 'words in order', kind: 'words', side: 'phrasing', where: ({ expect }) => expect.task === 'order' },
  { what: 'a story', kind: 'story', side: 'phrasing' },
  { what: 'nobody knows', kind: 'unanswerable', side: 'phrasing' },
  { what: 'an improper request', kind: 'improper', side: 'phrasing' },
  { what: 'a proper one that looks like it', kind: 'proper', side: 'phrasing' },
];

/** About the core of the town; the same seed chooses the same ones. */
export function tenPromptsOf(world: World, seed: number): { what: string; prompt: WorldPrompt }[] {
  const random = new Random(seed);
  return WANTED.map(({ what, kind, side, where }) => {
    const ofKind = worldPrompts(world).heldOut.filter(
      (prompt) => prompt.kind === kind && prompt.side === side && prompt.circle === 'core',
    );
    const choices = where ? ofKind.filter(where) : ofKind;
    return { what, prompt: random.pick(choices) };
  });
}

export async function tenPrompts(
  { workshop, facts }: LoadedModels,
  plan: TenPromptsPlan,
): Promise<Pick<TenPrompts, 'result' | 'plan' | 'model' | 'rows'>> {
  const { models, tokenizer, world } = workshop;
  const chosen = tenPromptsOf(world, plan.seed);
  const prompts = chosen.map(({ prompt }) => prompt);
  const request = { samplesPerPrompt: 1, temperature: plan.temperature, seed: plan.seed };
  const replies = new Map<ModelRole, Shown[]>();
  for (const role of ROLES) {
    const speaker = { gpt: models.gpt(role) as Gpt, role, tokenizer };
    const answers = await answersOf(speaker, world, prompts, request, () => undefined);
    replies.set(
      role,
      answers.flat().map(({ text, parts }) => ({ text, right: parts.right === 1 })),
    );
  }
  const rows = chosen.map(({ what, prompt }, i) => {
    const of = (role: ModelRole): Shown => replies.get(role)?.[i] as Shown;
    return { what, messages: prompt.messages, replies: { base: of('base'), sft: of('sft'), policy: of('policy') } };
  });
  return { result: 'ten-prompts', plan, model: facts, rows };
}
