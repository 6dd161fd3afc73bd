import { describe, expect, it } from 'vitest';
import type { Ranking } from '../session/protocol';
import { readPreferences } from '../text/import/preferences';
import { demonstrationLines, preferenceLines, thumbLines } from './trlExport';

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

  it('writes how many steps apart a pair is once any step is much better, in every line', () => {
    const strong: Ranking = { ...ranking, ranks: [1, 2, 5], gaps: [2, 1] };
    const margins = preferenceLines([ranking, strong]).match(/"margin":\d+/g);
    expect(margins).toEqual(['"margin":1', '"margin":1', '"margin":2', '"margin":3', '"margin":1']);
    expect(preferenceLines([ranking, { ...strong, gaps: [1, 1] }])).not.toContain('margin');
  });
});

describe('thumbLines', () => {
  it('writes each reply that has a thumb, one JSON object a line, and nothing where none has', () => {
    const rows = thumbLines([{ ...ranking, thumbs: ['up', null, 'down'] }])
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    const prompt = [{ role: 'user', content: 'Where is "Mira"?\nSay it.' }];
    expect(rows).toEqual([
      { prompt, completion: [{ role: 'assistant', content: 'a' }], label: true },
      { prompt, completion: [{ role: 'assistant', content: 'c' }], label: false },
    ]);
    expect(thumbLines([ranking, { ...ranking, thumbs: [null, null, null] }])).toBe('');
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

describe('what is saved for TRL and read again', () => {
  const judged: Ranking = {
    id: 'j',
    conversation: [
      { role: 'user', text: 'Hi' },
      { role: 'assistant', text: 'Hello.' },
      { role: 'user', text: 'Where is "Mira"?\nSay it.' },
    ],
    replies: ['a', 'b', 'c', ''],
    ranks: [2, 1, 2, 4],
    thumbs: ['up', null, 'down', 'down'],
    gaps: [2, 1],
    labeler: 'person',
  };

  async function read(text: string): Promise<Ranking[]> {
    const all: Ranking[] = [];
    for await (const { rankings, badRows } of readPreferences(new Blob([text]), { name: 'file' })) {
      expect(badRows).toEqual([]);
      all.push(...rankings);
    }
    return all;
  }

  it('has every thumb, with its conversation and its reply', async () => {
    const rankings = await read(thumbLines([judged]));
    expect(rankings.map(({ replies, thumbs }) => [...replies, ...(thumbs ?? [])])).toEqual([
      ['a', 'up'],
      ['c', 'down'],
      ['', 'down'],
    ]);
    for (const { conversation } of rankings) expect(conversation).toEqual(judged.conversation);
  });

  it('has every pair, as far apart as the ranking put it', async () => {
    const rankings = await read(preferenceLines([judged]));
    expect(rankings.map(({ replies, gaps }) => [...replies, gaps?.[0] ?? 1])).toEqual([
      ['a', '', 1],
      ['b', 'a', 2],
      ['b', 'c', 2],
      ['b', '', 3],
      ['c', '', 1],
    ]);
  });
});
