import { describe, expect, it } from 'vitest';
import type { Ranking } from '../session/protocol';
import { demonstrationLines, preferenceLines } from './trlExport';

const ranking: Ranking = {
  id: 'r',
  conversation: [{ role: 'user', text: 'Where is "Mira"?\nSay it.' }],
  replies: ['a', 'b', 'c'],
  ranks: [2, 1, 2],
  labeler: 'person',
};

describe('preferenceLines', () => {
  it('writes each pair that is not a tie, better first, one JSON object a line', () => {
    const rows = preferenceLines([ranking])
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    const prompt = [{ role: 'user', content: 'Where is "Mira"?\nSay it.' }];
    expect(rows).toEqual([
      { prompt, chosen: [{ role: 'assistant', content: 'b' }], rejected: [{ role: 'assistant', content: 'a' }] },
      { prompt, chosen: [{ role: 'assistant', content: 'b' }], rejected: [{ role: 'assistant', content: 'c' }] },
    ]);
  });

  it('writes nothing for a ranking in which all replies are tied', () => {
    expect(preferenceLines([{ ...ranking, ranks: [1, 1, 1] }])).toBe('');
  });
});

describe('demonstrationLines', () => {
  it('writes prompt and completion', () => {
    const text = demonstrationLines([{ id: 'd', conversation: ranking.conversation, reply: 'At the harbour.' }]);
    expect(JSON.parse(text)).toEqual({
      prompt: [{ role: 'user', content: 'Where is "Mira"?\nSay it.' }],
      completion: [{ role: 'assistant', content: 'At the harbour.' }],
    });
  });
});
