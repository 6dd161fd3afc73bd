/**
 * Rankings and demonstrations as TRL reads them: one JSON object a line, conversational, explicit prompt.
 *
 * Preference: `{"prompt": [...], "chosen": [...], "rejected": [...]}`; every pair of a ranking that is not a tie
 * becomes a line. Prompt-completion: `{"prompt": [...], "completion": [...]}`.
 */
import type { Demonstration, Message, Ranking } from '../session/protocol';

interface TrlMessage {
  role: 'user' | 'assistant';
  content: string;
}

const turns = (messages: readonly Message[]): TrlMessage[] =>
  messages.map(({ role, text }) => ({ role, content: text }));
const answer = (text: string): TrlMessage[] => [{ role: 'assistant', content: text }];
const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

export function preferenceLines(rankings: readonly Ranking[]): string {
  return lines(rankings.flatMap((ranking) => pairsOf(ranking)));
}

export function demonstrationLines(demonstrations: readonly Demonstration[]): string {
  return lines(demonstrations.map((one) => ({ prompt: turns(one.conversation), completion: answer(one.reply) })));
}

function pairsOf({ conversation, replies, ranks }: Ranking): object[] {
  const prompt = turns(conversation);
  return replies.flatMap((chosen, better) =>
    replies.flatMap((rejected, worse) =>
      (ranks[better] ?? Infinity) < (ranks[worse] ?? Infinity)
        ? [{ prompt, chosen: answer(chosen), rejected: answer(rejected) }]
        : [],
    ),
  );
}
