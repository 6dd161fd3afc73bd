import { describe, expect, it } from 'vitest';
import { PRESETS, WORLD_SEED } from '../config';
import { padBatch } from '../model/batch';
import type { Ranking } from '../session/protocol';
import { createWorld } from '../text/world/world';
import { trainWorldTokenizer } from '../text/world/worldTokenizer';
import { tokeniseRanking } from './simulatedRankings';

const { context, vocabulary } = PRESETS.nano;
const tokenizer = trainWorldTokenizer(createWorld(WORLD_SEED), vocabulary);
const { pad, end } = tokenizer.specials;

const words = (count: number): string => Array.from({ length: count }, (_, i) => `word${i}`).join(' ');
const ranking = (prompt: string, replies: string[]): Ranking => ({
  id: 'one',
  conversation: [{ role: 'user', text: prompt }],
  replies,
  ranks: replies.map((_, i) => i + 1),
  labeler: 'import',
});

describe('a ranking in tokens', () => {
  it('fits into one batch with any other, however long their prompts and replies are', () => {
    const long = tokeniseRanking(tokenizer, ranking(words(300), ['yes', 'no']), context);
    const wordy = tokeniseRanking(tokenizer, ranking('Well?', [words(300), 'no']), context);
    const prompts = [long, wordy].flatMap(({ prompt, replies }) => replies.map(() => prompt));
    const replies = [long, wordy].flatMap((one) => one.replies);
    const batch = padBatch(prompts, replies, pad, context);
    expect(batch.promptLength + batch.responseLength).toBe(context);
  });

  it('keeps the end of a prompt and the beginning of a reply; only a whole reply has its end token', () => {
    const { prompt, replies } = tokeniseRanking(tokenizer, ranking(`${words(300)} last`, [words(300), 'no']), context);
    expect(tokenizer.decode(prompt)).toContain('last');
    expect(tokenizer.decode(replies[0] ?? [])).toContain('word0');
    expect(replies[0]).not.toContain(end);
    expect(replies[1]?.at(-1)).toBe(end);
  });
});
