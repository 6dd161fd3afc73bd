import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CancelledError, ImportError } from '../../errors';
import type { Ranking } from '../../session/protocol';
import { splitPair } from './hhRlhf';
import { readPreferences } from './preferences';
import type { BadRow, ImportOptions } from './preferences';

const REAL = path.resolve(import.meta.dirname, '../../../../shared/data/hh-rlhf-harmless-base-test.jsonl.gz');

interface Everything {
  rankings: Ranking[];
  badRows: BadRow[];
  batches: number;
  rows: number;
}

async function readAll(
  bytes: Uint8Array<ArrayBuffer> | string,
  options: Partial<ImportOptions> = {},
): Promise<Everything> {
  const all: Everything = { rankings: [], badRows: [], batches: 0, rows: 0 };
  for await (const batch of readPreferences(new Blob([bytes]), { name: 'file', ...options })) {
    all.rankings.push(...batch.rankings);
    all.badRows.push(...batch.badRows);
    all.batches++;
    all.rows = batch.progress.rows;
  }
  return all;
}

/** The bytes in chunks of the given size, as a network might bring them. */
function inChunks(bytes: Uint8Array<ArrayBuffer>, size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

const talk = (reply: string, prompt = 'Hi') => `\n\nHuman: ${prompt}\n\nAssistant: ${reply}`;
const row = (chosen: string, rejected: string) => JSON.stringify({ chosen, rejected });
const goodRows = (count: number) =>
  Array.from({ length: count }, (_, i) => row(talk(`yes ${i}`), talk(`no ${i}`))).join('\n') + '\n';
const gzip = (text: string | Uint8Array) => new Uint8Array(gzipSync(text));

describe('HH-RLHF rows', () => {
  it('become the shared conversation and two replies, the chosen one ranked first', async () => {
    const prompt = 'Hi\n\nAssistant: Hello!\n\nHuman: Where is the boat?';
    const { rankings } = await readAll(row(talk('In the harbour.', prompt), talk('In a tree.', prompt)));
    expect(rankings).toEqual([
      {
        id: 'import:file:1',
        conversation: [
          { role: 'user', text: 'Hi' },
          { role: 'assistant', text: 'Hello!' },
          { role: 'user', text: 'Where is the boat?' },
        ],
        replies: ['In the harbour.', 'In a tree.'],
        ranks: [1, 2],
        labeler: 'import',
      },
    ]);
  });

  it('are cut at a turn, not where the replies happen to begin alike', () => {
    expect(splitPair(talk('The boat is blue.'), talk('The boat is red.'))).toMatchObject({
      replies: ['The boat is blue.', 'The boat is red.'],
    });
  });

  it('keep every turn of any conversation, word for word', () => {
    const word = fc.stringMatching(/^[a-z\u00e9\u{1f600}]{1,8}$/u);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 9 }), word, word, (turns, chosen, rejected) => {
        fc.pre(chosen !== rejected && turns.length % 2 === 1);
        const prompt = turns.map((text, i) => `\n\n${i % 2 === 0 ? 'Human' : 'Assistant'}: ${text}`).join('');
        expect(splitPair(`${prompt}\n\nAssistant: ${chosen}`, `${prompt}\n\nAssistant: ${rejected}`)).toEqual({
          conversation: turns.map((text, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', text })),
          replies: [chosen, rejected],
        });
      }),
    );
  });

  it('that differ before the last turn keep what follows as part of the reply that was judged', () => {
    const chosen = `${talk('Sure.')}\n\nHuman: Thanks\n\nAssistant: Bye`;
    expect(splitPair(chosen, talk('No.'))).toEqual({
      conversation: [{ role: 'user', text: 'Hi' }],
      replies: ['Sure.\n\nHuman: Thanks\n\nAssistant: Bye', 'No.'],
    });
  });

  it.each([
    ['not JSON', '{"chosen": "\\n\\nHuman: a', /expected one JSON object/],
    ['a list', '["a", "b"]', /expected a JSON object with "chosen" and "rejected", got a list/],
    ['a number', '7', /got a number/],
    ['without rejected', '{"chosen": "x"}', /expected "rejected", got the keys chosen/],
    ['with a list for text', '{"chosen": [], "rejected": ""}', /expected "chosen" to be text, got a list/],
    ['without a Human turn', row('Hello', talk('x')), /expected "chosen" to begin with "\\n\\nHuman: ", got "Hello"/],
    ['without an Assistant turn', row(talk('x'), '\n\nHuman: y'), /expected "rejected" to have a turn/],
    ['of two prompts', row(talk('x', 'one'), talk('y', 'two')), /their prompts differ/],
    ['of two equal replies', row(talk('x'), talk('x ')), /the same one twice/],
    [
      'of inherited keys',
      '{"__proto__": {"chosen": "a", "rejected": "b"}}',
      /expected "chosen", got the keys __proto__/,
    ],
  ])('that are bad (%s) are reported with number and reason, and the rest is kept', async (_kind, bad, reason) => {
    const { rankings, badRows } = await readAll(`${goodRows(2)}${bad}\n${goodRows(1)}`);
    expect(rankings.map(({ id }) => id)).toEqual(['import:file:1', 'import:file:2', 'import:file:4']);
    expect(badRows).toEqual([{ row: 3, reason: expect.stringMatching(reason) }]);
  });

  it('are the same however the bytes arrive, with any line ends, packed or not', async () => {
    const text = `\ufeff${[row(talk('é😀'), talk('ü')), '', row(talk('a'), talk('b')), 'x'].join('\r\n')}`;
    const whole = await readAll(text);
    expect(whole.rankings.map(({ id }) => id)).toEqual(['import:file:1', 'import:file:3']);
    expect(whole.badRows.map(({ row: number }) => number)).toEqual([4]);
    for (const bytes of [new TextEncoder().encode(text), gzip(text)]) {
      for (const size of [1, 2, 7, 64]) {
        const rankings: Ranking[] = [];
        const badRows: BadRow[] = [];
        for await (const batch of readPreferences(inChunks(bytes, size), { name: 'file' })) {
          rankings.push(...batch.rankings);
          badRows.push(...batch.badRows);
        }
        expect({ rankings, badRows }).toEqual({ rankings: whole.rankings, badRows: whole.badRows });
      }
    }
  });

  it('that are not UTF-8 or too long are reported, and the rest is kept', async () => {
    const text = new TextEncoder().encode(goodRows(1));
    const { rankings, badRows } = await readAll(
      new Uint8Array([...text, 0x7b, 0xff, 0x0a, ...new Uint8Array(5000).fill(0x61), 0x0a, ...text]),
      { limits: { maxLineBytes: 1000 } },
    );
    expect(rankings).toHaveLength(2);
    expect(badRows).toEqual([
      { row: 2, reason: expect.stringMatching(/expected UTF-8/) },
      { row: 3, reason: 'expected at most 1000 bytes in a line, got 5000.' },
    ]);
  });
});

describe('an HH-RLHF file', () => {
  it.each([
    ['empty', '', /the file is empty/],
    ['only blank', '\n \n', /the file is empty/],
    ['a JSON array', `[${row(talk('a'), talk('b'))}]`, /one JSON array/],
    ['a pretty JSON array', `[\n${'  {\n'.repeat(200)}]`, /one JSON array/],
    ['a table', 'chosen,rejected\na,b\n', /a table \(CSV or TSV\) or plain text: "chosen,rejected"/],
    [
      'another data set',
      '{"question": "1+1?", "answer": "2"}\n'.repeat(300),
      /expected "chosen", got the keys question, answer/,
    ],
    ['a ZIP archive', 'PK\u0003\u0004 and so on', /a binary file/],
    ['an image', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0xff]), /a binary file/],
    ['packed and of another kind', gzip('plain words'), /plain text/],
  ])(
    'of the wrong kind (%s) is refused with what was expected, what came and a remedy',
    async (_kind, bytes, message) => {
      const reading = readAll(bytes);
      await expect(reading).rejects.toBeInstanceOf(ImportError);
      await expect(reading).rejects.toMatchObject({
        message: expect.stringMatching(message),
        remedy: expect.stringMatching(/\w/),
      });
      await expect(reading).rejects.toThrow(/Expected one JSON object a line/);
    },
  );

  it('that is cut short gives the rows before the cut, then an error', async () => {
    const packed = gzip(Array.from({ length: 3000 }, () => row(talk(String(Math.random())), talk('no'))).join('\n'));
    const rankings: Ranking[] = [];
    const reading = (async () => {
      for await (const batch of readPreferences(new Blob([packed.slice(0, -2000)]), { name: 'f' }))
        rankings.push(...batch.rankings);
    })();
    await expect(reading).rejects.toThrow(/damaged or cut short/);
    expect(rankings.length).toBeGreaterThan(100);
  });

  it('that unpacks to far more than text does is stopped early', async () => {
    const bomb = gzip(new Uint8Array(64 << 20));
    await expect(readAll(bomb)).rejects.toThrow(/this file grew \d+ times/);
    await expect(readAll(goodRows(100), { limits: { maxBytes: 1000 } })).rejects.toThrow(/Expected at most/);
    await expect(readAll(goodRows(100), { limits: { maxRows: 10 } })).rejects.toThrow(/Expected at most 10 pairs/);
  });

  it('comes in batches with progress, and stops when asked', async () => {
    const bytes = new TextEncoder().encode(goodRows(400));
    const stopper = new AbortController();
    const reading = readPreferences(inChunks(bytes, 1000), { name: 'file', signal: stopper.signal });
    const first = await reading.next();
    expect(first.value?.progress).toEqual({ rows: first.value?.rankings.length, bytes: 1000, totalBytes: null });
    stopper.abort();
    await expect(reading.next()).rejects.toBeInstanceOf(CancelledError);
  });

  it.skipIf(!existsSync(REAL))('of the real data set gives all 2,312 pairs (needs ../shared/data)', async () => {
    const { rankings, badRows, batches, rows } = await readAll(new Uint8Array(readFileSync(REAL)));
    expect(badRows).toEqual([]);
    expect(rankings).toHaveLength(2312);
    expect(rows).toBe(2312);
    expect(batches).toBeGreaterThan(10);
    expect(rankings.every(({ conversation }) => conversation.at(-1)?.role === 'user')).toBe(true);
    expect(new Set(rankings.map(({ id }) => id)).size).toBe(2312);
  });

  it.skipIf(!existsSync(REAL))(
    'of the real data set with ten rows broken gives the ten and the rest (needs ../shared/data)',
    async () => {
      const { gunzipSync } = await import('node:zlib');
      const text = gunzipSync(readFileSync(REAL)).toString('utf8').trimEnd().split('\n');
      const broken = [1, 2, 50, 333, 777, 1000, 1001, 1500, 2000, 2312];
      const breakers = [
        (line: string) => line.slice(0, line.length / 2),
        () => 'null',
        (line: string) => line.replace('"rejected"', '"refused"'),
        (line: string) => line.replace(/Human: /g, 'Person: '),
        () => '{}',
      ];
      broken.forEach((number, i) => {
        text[number - 1] = breakers[i % breakers.length]!(text[number - 1]!);
      });
      const { rankings, badRows } = await readAll(gzip(text.join('\n')));
      expect(badRows.map((bad) => bad.row)).toEqual(broken);
      expect(badRows.every(({ reason }) => reason.startsWith('expected'))).toBe(true);
      expect(rankings).toHaveLength(2302);
    },
  );
});
