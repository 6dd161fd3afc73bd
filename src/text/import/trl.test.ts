import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ranking } from '../../session/protocol';
import { readPreferences } from './preferences';

async function read(text: string): Promise<{ rankings: Ranking[]; reasons: string[] }> {
  const all = { rankings: [] as Ranking[], reasons: [] as string[] };
  for await (const { rankings, badRows } of readPreferences(new Blob([text]), { name: 'file' })) {
    all.rankings.push(...rankings);
    all.reasons.push(...badRows.map(({ reason }) => reason));
  }
  return all;
}

const jsonLines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const GOOD = { prompt: 'Hi', completion: 'Hello.', label: true };

describe('TRL rows', () => {
  it('with a label are rankings of one reply with its thumb, from texts and from messages', async () => {
    const said = { role: 'user', content: 'What colour is the sky?' };
    const rows = [
      { prompt: 'The sky is', completion: ' blue.', label: true },
      { prompt: [said], completion: [{ role: 'assistant', content: 'Green.' }], label: false },
    ];
    expect((await read(jsonLines(rows))).rankings).toEqual([
      {
        id: 'import:file:1',
        conversation: [{ role: 'user', text: 'The sky is' }],
        replies: ['blue.'],
        ranks: [1],
        thumbs: ['up'],
        labeler: 'import',
      },
      {
        id: 'import:file:2',
        conversation: [{ role: 'user', text: 'What colour is the sky?' }],
        replies: ['Green.'],
        ranks: [1],
        thumbs: ['down'],
        labeler: 'import',
      },
    ]);
  });

  it('of pairs may have a margin, which is what the step between the two counts', async () => {
    const pair = { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.' };
    const rows = [pair, { ...pair, margin: null }, { ...pair, margin: 1 }, { ...pair, margin: 3 }];
    const { rankings } = await read(jsonLines(rows));
    expect(rankings.map(({ ranks, gaps }) => [ranks, gaps])).toEqual([
      [[1, 2], undefined],
      [[1, 2], undefined],
      [[1, 2], undefined],
      [[1, 2], [3]],
    ]);
  });

  it('stand beside rows of HH-RLHF in one file', async () => {
    const old = { chosen: '\n\nHuman: Hi\n\nAssistant: Yes', rejected: '\n\nHuman: Hi\n\nAssistant: No' };
    const { rankings } = await read(jsonLines([GOOD, old, GOOD]));
    expect(rankings.map(({ ranks }) => ranks)).toEqual([[1], [1, 2], [1]]);
  });

  it.each([
    [{ prompt: 'Hi', label: true }, /expected "completion", got the keys prompt, label/],
    [{ ...GOOD, label: 1 }, /expected "label" to be true or false, got a number/],
    [{ ...GOOD, prompt: 7 }, /expected "prompt" to be text or a list of messages, got a number/],
    [{ ...GOOD, prompt: [] }, /to end with what a user says, got an empty list/],
    [{ ...GOOD, prompt: ' ' }, /to end with what a user says/],
    [{ ...GOOD, prompt: [{ role: 'assistant', content: 'Hi' }] }, /to end with what a user says, got "Hi"/],
    [
      { ...GOOD, prompt: [{ role: 'system', content: 'Be kind' }] },
      /roles user and assistant in "prompt", got "system"/,
    ],
    [{ ...GOOD, prompt: [null] }, /roles user and assistant/],
    [{ ...GOOD, completion: [{ role: 'assistant' }] }, /expected "content" in "completion" to be text, got nothing/],
    [{ ...GOOD, completion: [] }, /one message of the assistant, got 0 messages/],
    [{ prompt: 'Hi', chosen: 'a', rejected: ' a' }, /the same one twice/],
    [{ prompt: 'Hi', chosen: 'a' }, /expected "rejected"/],
    [{ prompt: 'Hi', chosen: 'a', rejected: 'b', margin: -1 }, /"margin" to be a number from 0 to 100, got -1/],
    [{ prompt: 'Hi', chosen: 'a', rejected: 'b', margin: '2' }, /got a string/],
  ])('that are broken are named with the reason: %j', async (row, reason) => {
    const { rankings, reasons } = await read(jsonLines([GOOD, row]));
    expect(rankings).toHaveLength(1);
    expect(reasons).toEqual([expect.stringMatching(reason)]);
  });

  it('take any JSON object without an exception', async () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom('Hi', true, [{ role: 'user', content: 'x' }]));
    const keys = ['prompt', 'completion', 'label', 'chosen', 'rejected', 'margin'];
    const row = fc.dictionary(fc.constantFrom(...keys), field);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 5 }), async (rows) => {
        const { rankings, reasons } = await read(jsonLines([GOOD, ...rows]));
        expect(rankings.length + reasons.length).toBe(rows.length + 1);
        for (const { replies, ranks } of rankings) expect(ranks).toHaveLength(replies.length);
      }),
    );
  });
});
