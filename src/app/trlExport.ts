/**
 * Rankings and demonstrations as TRL reads them: one JSON object a line, conversational, explicit prompt.
 *
 * Preference: `{"prompt": [...], "chosen": [...], "rejected": [...]}`; every pair of a ranking that is not a tie
 * becomes a line. Where any ranking calls a step much better every line has a `"margin"` as well, the steps between the
 * two: TRL's RewardTrainer asks the chosen reply to be ahead by it. Unpaired preference, for KTO:
 * `{"prompt": [...], "completion": [...], "label": true}`, a line for every thumb. Prompt-completion:
 * `{"prompt": [...], "completion": [...]}`.
 */
import type { Demonstration, Message, Ranking } from '../session/protocol';
import { stepsBehindBest } from '../text/rankSteps';

interface TrlMessage {
  role: 'user' | 'assistant';
  content: string;
}

const turns = (messages: readonly Message[]): TrlMessage[] =>
  messages.map(({ role, text }) => ({ role, content: text }));
const answer = (text: string): TrlMessage[] => [{ role: 'assistant', content: text }];
const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

export function preferenceLines(rankings: readonly Ranking[]): string {
  const margins = rankings.some(({ gaps }) => gaps?.some((gap) => gap !== 1));
  return lines(rankings.flatMap((ranking) => pairsOf(ranking, margins)));
}

export function thumbLines(rankings: readonly Ranking[]): string {
  return lines(
    rankings.flatMap(({ conversation, replies, thumbs }) =>
      replies.flatMap((reply, i) =>
        thumbs?.[i] ? [{ prompt: turns(conversation), completion: answer(reply), label: thumbs[i] === 'up' }] : [],
      ),
    ),
  );
}

export function demonstrationLines(demonstrations: readonly Demonstration[]): string {
  return lines(demonstrations.map((one) => ({ prompt: turns(one.conversation), completion: answer(one.reply) })));
}

function pairsOf({ conversation, replies, ranks, gaps }: Ranking, margins: boolean): object[] {
  const prompt = turns(conversation);
  const steps = stepsBehindBest(ranks, gaps);
  return replies.flatMap((chosen, better) =>
    replies.flatMap((rejected, worse) =>
      steps[better]! < steps[worse]!
        ? [
            {
              prompt,
              chosen: answer(chosen),
              rejected: answer(rejected),
              ...(margins && { margin: steps[worse]! - steps[better]! }),
            },
          ]
        : [],
    ),
  );
}
