/** Two models on the same prompts, as each of the held-out labelers would choose, and all of them together. */
import type { Answer } from '../../src/rlhf/answers';
import { pairedChoices, winRate } from '../../src/rlhf/winRate';
import type { WinRate } from '../../src/session/protocol';
import { goldScore, type GoldWeights } from '../../src/text/world/gold';
import { HELD_OUT_LABELERS } from '../../src/text/world/labeler';
import type { World } from '../../src/text/world/world';

/** By labeler: the scores of the answers to each prompt. */
export type Scores = Readonly<Record<string, readonly (readonly number[])[]>>;

export interface Contest {
  /** Each labeler alone. */
  byLabeler: Record<string, WinRate>;
  /** The choices of all labelers together: their mean. */
  mean: WinRate;
}

export function scoresOf(
  world: World,
  answers: readonly (readonly Answer[])[],
  labelers: Readonly<Record<string, GoldWeights>> = HELD_OUT_LABELERS,
): Scores {
  return Object.fromEntries(
    Object.entries(labelers).map(([name, weights]) => [
      name,
      answers.map((own) =>
        own.map(({ prompt, text, finished }) => goldScore(world, prompt, text, finished, weights).score),
      ),
    ]),
  );
}

/** How often ours are chosen; ties count half, intervals are clustered by prompt. */
export function contest(ours: Scores, theirs: Scores): Contest {
  const names = Object.keys(ours);
  const choices = names.map((name) =>
    (ours[name] ?? []).map((own, prompt) => pairedChoices(own, theirs[name]?.[prompt] ?? [])),
  );
  const together = (choices[0] ?? []).map((_, prompt) => choices.flatMap((byPrompt) => byPrompt[prompt] ?? []));
  return {
    byLabeler: Object.fromEntries(names.map((name, i) => [name, winRate(choices[i] ?? [])])),
    mean: winRate(together),
  };
}
