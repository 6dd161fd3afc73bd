import { describe, expect, it } from 'vitest';
import { MAX_RESPONSE_TOKENS, WORLD_SEED } from '../../config';
import { renderPrompt } from '../chatTemplate';
import { statementsAbout } from './attributes';
import { demonstrations } from './demonstrations';
import { pretrainingDocuments } from './documents';
import { groupBy } from './grouping';
import { goldScore } from './gold';
import { KIND_SHARES, PROMPT_KINDS, samplePrompts, worldPrompts, type PromptKind, type WorldPrompt } from './prompts';
import { createWorld } from './world';
import { trainWorldTokenizer } from './worldTokenizer';

const world = createWorld(WORLD_SEED);
const { train, heldOut } = worldPrompts(world);

const take = (seed: number, count: number): string[] => {
  const documents = pretrainingDocuments(world, seed);
  return Array.from({ length: count }, () => documents.next().value);
};

const topicOf = ({ id }: WorldPrompt): string => id.slice(0, id.lastIndexOf('/'));

const sharesOf = (prompts: readonly WorldPrompt[]): Record<string, number> =>
  Object.fromEntries(
    PROMPT_KINDS.map((kind) => [kind, prompts.filter((p) => p.kind === kind).length / prompts.length]),
  );

describe('world', () => {
  it('has 114 facts, each about one attribute of one subject', () => {
    expect(world.facts).toHaveLength(114);
    expect(new Set(world.facts.map(({ id }) => id)).size).toBe(114);
    expect(new Set(world.facts.map(({ attribute }) => attribute)).size).toBe(11);
  });

  it('is the same for the same seed and another for another', () => {
    expect(createWorld(WORLD_SEED)).toEqual(world);
    expect(createWorld(WORLD_SEED + 1).facts).not.toEqual(world.facts);
  });

  it('knows nothing of strangers', () => {
    const strangers = new Set(world.strangers.map(({ name }) => name));
    expect(world.facts.some(({ subject, value }) => strangers.has(subject) || strangers.has(value.key))).toBe(false);
  });

  it('makes friendship go both ways', () => {
    const friendOf = new Map(
      world.facts.filter(({ attribute }) => attribute === 'friend').map((fact) => [fact.subject, fact.value.key]),
    );
    for (const [a, b] of friendOf) {
      expect(a).not.toBe(b);
      expect(friendOf.get(b)).toBe(a);
    }
  });
});

describe('pretraining text', () => {
  it('is the same for the same seed and another for another', () => {
    expect(take(1, 50)).toEqual(take(1, 50));
    expect(take(1, 50)).not.toEqual(take(2, 50));
  });

  it('keeps its shares of threads and of good and bad answers', () => {
    const documents = take(3, 20_000);
    const threads = documents.filter((document) => document.startsWith(' Q: '));
    expect(threads.length / documents.length).toBeCloseTo(0.26, 1);
    for (const thread of threads) expect(thread).toMatch(/^ Q: [^\n]+[.?!]\nA: [^\n]+$/);
    const sums = documents.filter((document) => /^[^\n]*\d \+ \d/.test(document) && !document.startsWith(' Q: '));
    expect(sums.length / documents.length).toBeCloseTo(0.12, 1);
  });

  it('tells every fact', () => {
    const text = take(4, 20_000).join('\n');
    for (const { id, attribute, subject, value } of world.facts) {
      const tellings = statementsAbout(world, attribute, subject, value).map((told) => text.split(told).length - 1);
      expect(Math.min(...tellings), id).toBeGreaterThan(20);
    }
  });

  it('is short: 20 to 35 tokens a document in either vocabulary, 100 at most', () => {
    for (const vocabulary of [512, 1024]) {
      const tokenizer = trainWorldTokenizer(world, vocabulary);
      const lengths = take(5, 3000).map((document) => tokenizer.encode(document).length);
      const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
      expect(mean).toBeGreaterThan(19);
      expect(mean).toBeLessThan(35);
      expect(Math.max(...lengths)).toBeLessThan(100);
    }
  });
});

describe('prompts', () => {
  it('are all different, in text and id', () => {
    const all = [...train, ...heldOut];
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(1000);
  });

  it('share no topic between the sides', () => {
    const trained = new Set(train.map(topicOf));
    expect(heldOut.filter((prompt) => trained.has(topicOf(prompt)))).toEqual([]);
  });

  it('hold out a fifth of facts and sums and 12 to 25% of the rest', () => {
    const topics = (prompts: readonly WorldPrompt[], kind: PromptKind): number =>
      new Set(prompts.filter((prompt) => prompt.kind === kind).map(topicOf)).size;
    for (const kind of PROMPT_KINDS) {
      const share = topics(heldOut, kind) / (topics(heldOut, kind) + topics(train, kind));
      expect(share, kind).toBeGreaterThan(0.12);
      expect(share, kind).toBeLessThan(kind === 'fact' || kind === 'sum' ? 0.21 : 0.26);
    }
    for (const attribute of new Set(world.facts.map(({ attribute }) => attribute))) {
      expect(
        heldOut.some(({ id }) => id.startsWith(`fact/${attribute}/`)),
        attribute,
      ).toBe(true);
    }
  });

  it('are sampled in the shares of their kinds, and 300 held-out ones without a repeat', () => {
    const expected = Object.fromEntries(PROMPT_KINDS.map((kind) => [kind, KIND_SHARES[kind] / 20]));
    const sample = samplePrompts(world, 'heldOut', 300, 1);
    expect(sharesOf(sample)).toEqual(expected);
    expect(new Set(sample.map(({ id }) => id)).size).toBe(300);
    expect(samplePrompts(world, 'heldOut', 300, 1)).toEqual(sample);
    expect(samplePrompts(world, 'heldOut', 300, 2)).not.toEqual(sample);
    expect(samplePrompts(world, 'train', 7, 1)).toHaveLength(7);
  });

  it('leave room for a reply in the smallest context', () => {
    const tokenizer = trainWorldTokenizer(world, 512);
    for (const { text } of [...train, ...heldOut]) {
      expect(tokenizer.encode(` ${text}`).length, text).toBeLessThanOrEqual(24);
      const { ids } = renderPrompt(tokenizer, [{ role: 'user', text }], { template: 'completion', maxTokens: 96 });
      expect(ids.length + MAX_RESPONSE_TOKENS).toBeLessThan(96);
    }
  });
});

describe('demonstrations', () => {
  const shown = demonstrations(world, 4000, 1);

  it('use the training side alone', () => {
    const trained = new Set(train.map(({ id }) => id));
    expect(shown.every(({ prompt }) => trained.has(prompt.id))).toBe(true);
  });

  it('are the same for the same seed', () => {
    expect(demonstrations(world, 100, 1)).toEqual(demonstrations(world, 100, 1));
    expect(demonstrations(world, 100, 2)).not.toEqual(demonstrations(world, 100, 1));
  });

  it('are half good, and .75 to .80 by the gold score', () => {
    const good = shown.filter(({ style }) => style === 'good').length / shown.length;
    expect(good).toBeCloseTo(0.5, 1);
    const scores = shown.map(({ prompt, reply }) => goldScore(world, prompt, reply, true).score);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    expect(mean).toBeGreaterThan(0.74);
    expect(mean).toBeLessThan(0.8);
  });

  it('are judged as they were made: right where they should be, and fluent', () => {
    for (const { prompt, reply, style } of shown) {
      const { parts } = goldScore(world, prompt, reply, true);
      const told = `${style}: ${prompt.text} -> ${reply}`;
      expect(parts.fluent, told).toBe(true);
      expect(parts.rude, told).toBe(style === 'rude');
      if (style === 'good' || style === 'curt' || style === 'rambling') expect(parts.right, told).toBe(true);
      if (style === 'wrong' || style === 'refusal') expect(parts.right, told).toBe(false);
    }
  });

  it('fit into a reply: 24 tokens where good, 36 in all', () => {
    const tokenizer = trainWorldTokenizer(world, 512);
    for (const [style, group] of groupBy(shown, (demonstration) => demonstration.style)) {
      const longest = Math.max(...group.map(({ reply }) => tokenizer.encode(` ${reply}`).length));
      expect(longest, style).toBeLessThanOrEqual(style === 'good' ? 24 : 36);
    }
  });
});
