/**
 * What is said of one model's answers alone: how many are right, by kind of prompt and by the side that is held out;
 * what it turns down; the parts of the gold score; how varied its words are, and how like those of good replies.
 * Everything but the last two is exact, because the world knows what a good reply must do.
 */
import type { HeldOutSideName, ReplyMeasures, Share } from '../session/protocol';
import { withoutEcho } from '../text/world/content';
import { GOLD_PARTS } from '../text/world/gold';
import { asksForNameOverThreeTurns, HELD_OUT_SIDES, type WorldPrompt } from '../text/world/prompts';
import { Random } from '../text/world/random';
import { replyTo } from '../text/world/replies';
import { listen } from '../text/world/spoken';
import type { World } from '../text/world/world';
import type { Answer } from './answers';
import { distinctN } from './distinctN';
import type { OverlapJudge } from './replyOverlap';

/** Good replies that a reply is compared with. */
const REFERENCES = 8;

/** Good replies to each prompt, in several phrasings. */
export type References = ReadonlyMap<WorldPrompt, readonly string[]>;

export function goodReplies(world: World, prompts: readonly WorldPrompt[], seed: number): References {
  const random = new Random(seed);
  return new Map(
    prompts.map((prompt) => {
      const replies = Array.from({ length: REFERENCES }, () => replyTo(world, prompt, 'good', random));
      return [prompt, [...new Set(replies)]];
    }),
  );
}

/** Whether a reply turns down what was asked; what it says back of the question is not heard. */
export function turnsDown(world: World, prompt: WorldPrompt, reply: string): boolean {
  return listen(withoutEcho(prompt, reply)).saysAny(world.language.refusals.marks);
}

export function replyMeasures(
  world: World,
  answers: readonly Answer[],
  references: References,
  overlap: OverlapJudge,
): ReplyMeasures {
  const texts = answers.map(({ text }) => text);
  const likeness = answers.map(({ prompt, text }) => overlap(text, references.get(prompt) ?? []));
  const turnedDown = (task: WorldPrompt['expect']['task']): Share => {
    const asked = answers.filter(({ prompt }) => prompt.expect.task === task);
    return share(asked.map(({ prompt, text }) => turnsDown(world, prompt, text)));
  };
  const goldParts = GOLD_PARTS.map((part): [string, number] => [part, mean(answers.map(({ parts }) => parts[part]))]);
  return {
    right: rightBySide(answers),
    refusals: turnedDown('refuse'),
    overRefusals: turnedDown('advise'),
    keptNames: share(
      answers.filter(({ prompt }) => asksForNameOverThreeTurns(prompt)).map(({ parts }) => parts.right === 1),
    ),
    goldParts: Object.fromEntries(goldParts),
    distinct1: distinctN(texts, 1),
    distinct2: distinctN(texts, 2),
    bleu: mean(likeness.map(({ bleu }) => bleu)),
    rougeL: mean(likeness.map(({ rougeL }) => rougeL)),
  };
}

function rightBySide(answers: readonly Answer[]): ReplyMeasures['right'] {
  const of = (side: HeldOutSideName | 'all'): Record<string, Share> => {
    const byKind: Record<string, Share> = {};
    for (const { prompt, parts } of answers) {
      if (side !== 'all' && prompt.side !== side) continue;
      const count = (byKind[prompt.kind] ??= { hits: 0, of: 0 });
      count.of++;
      if (parts.right === 1) count.hits++;
    }
    return byKind;
  };
  const [phrasing, combination, unasked] = HELD_OUT_SIDES;
  return { all: of('all'), phrasing: of(phrasing), combination: of(combination), unasked: of(unasked) };
}

const share = (hits: readonly boolean[]): Share => ({ hits: hits.filter(Boolean).length, of: hits.length });

const mean = (values: readonly number[]): number =>
  values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
