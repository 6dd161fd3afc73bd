import { describe, expect, it } from 'vitest';
import { MAX_RESPONSE_TOKENS, PRESETS, WORLD_SEED } from '../../config';
import { encodeReply, renderPrompt } from '../chatTemplate';
import { demonstrations } from './demonstrations';
import { pretrainingDocuments } from './documents';
import { fluencyFaults } from './fluency';
import { goldScore } from './gold';
import { groupBy } from './grouping';
import {
  HELD_OUT_SIDES,
  KIND_SHARES,
  PROMPT_KINDS,
  conversationKey,
  promptsOn,
  samplePrompts,
  worldPrompts,
  type WorldPrompt,
} from './prompts';
import { replyTo } from './replies';
import { Random } from './random';
import { pairOf } from './tasks/sums';
import { unaskedFacts } from './unasked';
import { createWorld } from './world';
import { trainWorldTokenizer } from './worldTokenizer';

const world = createWorld(WORLD_SEED);
const { train, heldOut } = worldPrompts(world);
const all = [...train, ...heldOut];
const SHARES = Object.values(KIND_SHARES).reduce((sum, share) => sum + share, 0);

const sharesOf = (prompts: readonly WorldPrompt[]): Record<string, number> =>
  Object.fromEntries(
    PROMPT_KINDS.map((kind) => [kind, prompts.filter((p) => p.kind === kind).length / prompts.length]),
  );

describe('prompts', () => {
  it('are all different, in what is said and in id', () => {
    expect(new Set(all.map(({ messages }) => conversationKey(messages))).size).toBe(all.length);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(30_000);
  });

  it('are conversations that begin and end with the person', () => {
    for (const { messages, text } of all) {
      expect(messages.map(({ role }) => role)).toEqual(messages.map((_, i) => (i % 2 === 0 ? 'user' : 'assistant')));
      expect(messages.length % 2).toBe(1);
      expect(messages.at(-1)?.text).toBe(text);
    }
    expect(new Set(all.map(({ messages }) => messages.length))).toEqual(new Set([1, 3, 5]));
  });

  it('share no topic but by the wording, and no wording but by the topic', () => {
    const trained = new Set(train.map(({ topic }) => topic));
    for (const { side, topic } of heldOut) expect(trained.has(topic), topic).toBe(side === 'phrasing');
  });

  it('of every kind stand on every side that can have them', () => {
    for (const kind of PROMPT_KINDS) {
      const sides = new Set(
        promptsOn(world, 'heldOut', 'core')
          .filter((p) => p.kind === kind)
          .map(({ side }) => side),
      );
      expect(sides, kind).toEqual(new Set(kind === 'fact' ? ['phrasing', 'unasked'] : ['phrasing', 'combination']));
    }
  });

  it('are sampled in the shares of their kinds, and 300 held-out ones without a repeat', () => {
    const expected = Object.fromEntries(PROMPT_KINDS.map((kind) => [kind, KIND_SHARES[kind] / SHARES]));
    const sample = samplePrompts(world, 'heldOut', 320, 1);
    expect(sharesOf(sample)).toEqual(expected);
    expect(new Set(sample.map(({ id }) => id)).size).toBe(320);
    expect(samplePrompts(world, 'heldOut', 320, 1)).toEqual(sample);
    expect(samplePrompts(world, 'heldOut', 320, 2)).not.toEqual(sample);
    expect(samplePrompts(world, 'train', 7, 1)).toHaveLength(7);
  });

  it('are sampled from the side and the reach that is asked for', () => {
    for (const side of HELD_OUT_SIDES) {
      expect(new Set(samplePrompts(world, side, 100, 1).map((prompt) => prompt.side))).toEqual(new Set([side]));
    }
    expect(samplePrompts(world, 'train', 400, 1).every(({ circle }) => circle === 'core')).toBe(true);
    const town = samplePrompts(world, 'train', 2000, 1, 'town').filter(({ kind }) => kind === 'fact');
    expect(town.filter(({ circle }) => circle === 'core').length / town.length).toBeCloseTo(0.5, 1);
  });

  it('about the core are the same, and judged the same, for models of any reach', () => {
    const wide = createWorld(WORLD_SEED, { reach: 'town' });
    const [ours, theirs] = [world, wide].map((one) => samplePrompts(one, 'heldOut', 200, 4, 'core'));
    expect(theirs?.map(({ id, messages }) => [id, messages])).toEqual(ours?.map(({ id, messages }) => [id, messages]));
    const random = new Random(7);
    for (const [i, prompt] of (ours ?? []).entries()) {
      const reply = replyTo(world, prompt, random.pick(['good', 'wrong', 'rambling']), random);
      expect(goldScore(wide, theirs?.[i] as WorldPrompt, reply, true)).toEqual(goldScore(world, prompt, reply, true));
    }
  });

  it.each(['nano', 'mini'] as const)('leave room for a reply in the context of %s', (preset) => {
    const { vocabulary, context } = PRESETS[preset];
    const tokenizer = trainWorldTokenizer(world, vocabulary, preset === 'nano' ? 'core' : 'town');
    const asked = samplePrompts(world, 'train', 2000, 1).concat(samplePrompts(world, 'heldOut', 2000, 2));
    const lengths = asked.map(
      ({ messages }) => renderPrompt(tokenizer, messages, { template: 'chat', maxTokens: 999 }).ids.length,
    );
    const within = (most: number): number => lengths.filter((length) => length <= most).length / lengths.length;
    expect(within(context - MAX_RESPONSE_TOKENS)).toBeGreaterThan(0.98);
    // Training cuts a prompt to half of the context, oldest turns first.
    expect(within(context / 2)).toBeGreaterThan(0.97);
  });
});

describe('held-out text', () => {
  const CHARACTERS = 2_000_000;
  const DEMONSTRATIONS = 20_000;

  const lines = new Set<string>();
  let web = '';
  for (const reach of ['core', 'town'] as const) {
    const documents = pretrainingDocuments(world, 8, reach);
    const parts: string[] = [];
    for (let length = 0; length < CHARACTERS / 2; length += parts.at(-1)?.length ?? 0)
      parts.push(documents.next().value);
    web += `${parts.join('\n')}\n`;
  }
  const questions = new Set<string>();
  for (const line of web.split('\n')) {
    lines.add(line.replace(/^ ?[QA]: /, '').trim());
    if (/^ ?Q: /.test(line)) questions.add(line.replace(/^ ?Q: /, ''));
  }
  const shown = (['core', 'town'] as const).flatMap((reach) => demonstrations(world, DEMONSTRATIONS, 3, { reach }));
  for (const { prompt, reply } of shown) {
    for (const text of [...prompt.messages.map((message) => message.text), reply]) lines.add(text);
    for (const { role, text } of prompt.messages) if (role === 'user') questions.add(text);
  }

  it('of no side is asked anywhere in the training text', () => {
    expect(web.length).toBeGreaterThan(CHARACTERS);
    const single = heldOut.filter(({ messages }) => messages.length === 1);
    expect(single.filter(({ text }) => questions.has(text)).map(({ text }) => text)).toEqual([]);
    const talks = new Set(shown.map(({ prompt }) => conversationKey(prompt.messages)));
    expect(heldOut.filter(({ messages }) => talks.has(conversationKey(messages)))).toEqual([]);
    for (const { messages } of heldOut.filter((prompt) => prompt.messages.length > 1)) {
      const thread = messages.map(({ role, text }) => `${role === 'user' ? ' Q' : 'A'}: ${text}`).join('\n');
      expect(web.includes(thread), thread).toBe(false);
    }
  });

  it('of other words stands nowhere, not even inside a longer line', () => {
    const asked = promptsOn(world, 'phrasing', 'core').filter(({ messages }) => messages.length === 1);
    const all = [...lines].join('\n');
    for (const { text } of asked) expect(all.includes(text), text).toBe(false);
  });

  it('is not all: words of the chat alone are trained on, but stand nowhere on the web', () => {
    const own = train.filter(({ chatOnly }) => chatOnly);
    expect(own.length).toBeGreaterThan(5000);
    for (const { text } of new Random(1).shuffle(own).slice(0, 500)) expect(web.includes(text), text).toBe(false);
    expect(shown.filter(({ prompt }) => prompt.chatOnly).length).toBeGreaterThan(shown.length / 5);
  });

  it('of other combinations: a sum that is held out is added nowhere, in either order', () => {
    const kept = new Set(
      promptsOn(world, 'combination', 'town').flatMap(({ expect }) => (expect.task === 'add' ? [pairOf(expect)] : [])),
    );
    expect(kept.size).toBeGreaterThan(10);
    for (const text of [web, ...lines]) {
      for (const [, a, b] of text.matchAll(/(\d+) ?(?:\+|and) ?(\d+)/g)) {
        const pair = pairOf({ a: Number(a), b: Number(b) });
        expect(kept.has(pair), `${pair} in "${text.slice(0, 80)}"`).toBe(false);
      }
    }
  });

  it('of other combinations: nobody is told of a wrong, or asked for what nobody knows, of those who are kept', () => {
    const all = [...lines].join('\n');
    const partOf = ({ text }: WorldPrompt): string[] =>
      [...text.matchAll(/^(?:How can I|Do you know) (.*)\?$/g)].map(([, part = '']) => part);
    const kinds = ['improper', 'unanswerable'];
    const kept = promptsOn(world, 'combination', 'town')
      .filter(({ kind }) => kinds.includes(kind))
      .flatMap(partOf);
    expect(kept.length).toBeGreaterThan(100);
    for (const part of kept) expect(new RegExp(`${part}(?!\\p{L})`, 'u').test(all), part).toBe(false);
  });

  it('of facts that are never asked: no question, no thread and no reply is about them', () => {
    const unasked = unaskedFacts(world);
    for (const { prompt } of shown) {
      const { expect: expected } = prompt;
      if ('fact' in expected) expect(unasked.has(expected.fact)).toBe(false);
    }
    const kept = promptsOn(world, 'unasked', 'town');
    expect(kept.length).toBeGreaterThan(1000);
    expect(kept.filter(({ text }) => lines.has(text))).toEqual([]);
  });
});

describe('demonstrations', () => {
  const shown = demonstrations(world, 4000, 1);

  it('use the training side alone', () => {
    expect(new Set(shown.map(({ prompt }) => prompt.side))).toEqual(new Set(['train']));
  });

  it('are the same for the same seed', () => {
    expect(demonstrations(world, 100, 1)).toEqual(demonstrations(world, 100, 1));
    expect(demonstrations(world, 100, 2)).not.toEqual(demonstrations(world, 100, 1));
  });

  it('are not half good unless told otherwise, and .70 to .80 by the gold score', () => {
    expect(shown.filter(({ style }) => style === 'good').length / shown.length).toBeCloseTo(0.44, 1);
    const scores = shown.map(({ prompt, reply }) => goldScore(world, prompt, reply, true).score);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    expect(mean).toBeGreaterThan(0.7);
    expect(mean).toBeLessThan(0.8);
    const best = { good: 1, curt: 0, rambling: 0, wrong: 0, rude: 0, refusal: 0 };
    expect(new Set(demonstrations(world, 200, 1, { shares: best }).map(({ style }) => style))).toEqual(
      new Set(['good']),
    );
  });

  it('are judged as they were made: right where they should be, and fluent', () => {
    for (const { prompt, reply, style } of [...shown, ...demonstrations(world, 4000, 2, { reach: 'town' })]) {
      const { parts } = goldScore(world, prompt, reply, true);
      const told = `${style} ${prompt.kind}: ${conversationKey(prompt.messages)} -> ${reply}`;
      expect(fluencyFaults(world, reply), told).toBe(0);
      expect(parts.polite === 0, told).toBe(style === 'rude');
      // A summary that rambles sums nothing up, and a story cut short is none.
      const whole =
        !(style === 'rambling' && prompt.kind === 'summary') && !(style === 'curt' && prompt.kind === 'story');
      if (whole && ['good', 'curt', 'rambling'].includes(style)) expect(parts.right, told).toBe(1);
      if (style === 'good') expect([parts.onTopic, parts.brief, parts.honest, parts.safe], told).toEqual([1, 1, 1, 1]);
      if (style === 'wrong' || style === 'refusal') expect(parts.right, told).toBe(0);
    }
  });

  it('of the held-out sides would be judged so too', () => {
    const random = new Random(5);
    for (const prompt of samplePrompts(world, 'heldOut', 3000, 6, 'town')) {
      const reply = replyTo(world, prompt, 'good', random);
      const { parts } = goldScore(world, prompt, reply, true);
      const told = `${conversationKey(prompt.messages)} -> ${reply}`;
      expect([parts.right, parts.complete > 0.5, parts.onTopic, parts.fluent], told).toEqual([1, true, 1, 1]);
      expect(goldScore(world, prompt, replyTo(world, prompt, 'wrong', random), true).parts.right, told).toBe(0);
    }
  });

  it('fit into a reply', () => {
    for (const [vocabulary, reach] of [
      [PRESETS.nano.vocabulary, 'core'],
      [PRESETS.mini.vocabulary, 'town'],
    ] as const) {
      const tokenizer = trainWorldTokenizer(world, vocabulary, reach);
      const replies = demonstrations(world, 4000, 4, { reach });
      for (const [style, group] of groupBy(replies, (demonstration) => demonstration.style)) {
        const lengths = group.map(({ reply }) => encodeReply(tokenizer, reply).length);
        const fitting = lengths.filter((length) => length <= MAX_RESPONSE_TOKENS).length / lengths.length;
        expect(fitting, style).toBeGreaterThan(0.95);
      }
    }
  });
});
