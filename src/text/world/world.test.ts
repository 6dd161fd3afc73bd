import { describe, expect, it } from 'vitest';
import { PRESETS, WORLD_SEED } from '../../config';
import { pretrainingDocuments } from './documents';
import { sayAll } from './grammar';
import { namesIn } from './spoken';
import { unaskedFacts } from './unasked';
import { createWorld, factOf, type Circle } from './world';
import { trainWorldTokenizer } from './worldTokenizer';

const world = createWorld(WORLD_SEED);
const core = world.facts.filter(({ subject }) => subject.circle === 'core');

const take = (seed: number, count: number, reach: Circle = 'core'): string[] => {
  const documents = pretrainingDocuments(world, seed, reach);
  return Array.from({ length: count }, () => documents.next().value);
};

describe('world', () => {
  it('has a hundred people and 564 facts, 122 of them about its core', () => {
    expect(world.people).toHaveLength(100);
    expect(core).toHaveLength(122);
    expect(world.facts).toHaveLength(564);
    expect(new Set(world.facts.map(({ id }) => id)).size).toBe(564);
    expect(new Set(world.subjects.map(({ name }) => name)).size).toBe(world.subjects.length);
  });

  it('is the same for the same seed and another for another', () => {
    expect(createWorld(WORLD_SEED)).toEqual(world);
    expect(createWorld(WORLD_SEED + 1).facts).not.toEqual(world.facts);
  });

  it('knows nothing of strangers', () => {
    const strangers = new Set(world.strangers.map(({ name }) => name));
    expect(world.facts.some(({ subject, value }) => strangers.has(subject.name) || strangers.has(value.key))).toBe(
      false,
    );
  });

  it('keeps the core by itself: what is true of it needs no name and no value from beyond', () => {
    const near = new Set(world.subjects.filter(({ circle }) => circle === 'core').map(({ name }) => name));
    for (const { attribute, value } of core) {
      const list = world.language.values[attribute];
      expect(list === 'people' ? near.has(value.key) : list.core.includes(value), value.key).toBe(true);
    }
  });

  it('makes friendship go both ways, and within a circle', () => {
    for (const person of world.people) {
      const friend = world.people.find(({ name }) => name === factOf(world, person, 'friend')?.value.key);
      expect(friend).not.toBe(person);
      expect(friend?.circle).toBe(person.circle);
      expect(friend && factOf(world, friend, 'friend')?.value.key).toBe(person.name);
    }
  });

  it('never asks a fifth of the facts of each attribute', () => {
    const unasked = unaskedFacts(world);
    for (const attribute of new Set(core.map((fact) => fact.attribute))) {
      const all = core.filter((fact) => fact.attribute === attribute);
      expect(all.filter((fact) => unasked.has(fact)).length / all.length, attribute).toBeCloseTo(0.2, 0.7);
    }
    expect(unasked.size / world.facts.length).toBeCloseTo(0.2, 1);
  });
});

describe('pretraining text', () => {
  it('is the same for the same seed and another for another', () => {
    expect(take(1, 50)).toEqual(take(1, 50));
    expect(take(1, 50)).not.toEqual(take(2, 50));
  });

  it('keeps its share of threads, one question and its answers, turn after turn', () => {
    const documents = take(3, 20_000);
    const threads = documents.filter((document) => document.startsWith(' Q: '));
    expect(threads.length / documents.length).toBeCloseTo(0.2, 1);
    for (const thread of threads) expect(thread).toMatch(/^ Q: [^\n]+\n(A: [^\n]+(\n Q: [^\n]+)?\n?)+$/);
  });

  it('says of the core what is true, and names nobody beyond it', () => {
    const far = new Set(world.subjects.filter(({ circle }) => circle === 'town').map(({ name }) => name));
    const text = take(4, 20_000).join('\n');
    expect(namesIn(world, text).filter((name) => far.has(name))).toEqual([]);
    for (const { id, attribute, subject, value } of core) {
      const told = sayAll(world.language.attributes[attribute].statements, { s: subject.name, v: value.phrase });
      for (const sentence of told) expect(text.split(sentence).length, id).toBeGreaterThan(5);
    }
  });

  it('tells every fact of the town, the core more often', () => {
    const text = take(4, 40_000, 'town').join('\n');
    const tellings = (facts: typeof core): number[] =>
      facts.map(({ attribute, subject, value }) =>
        sayAll(world.language.attributes[attribute].statements, { s: subject.name, v: value.phrase }).reduce(
          (sum, sentence) => sum + text.split(sentence).length - 1,
          0,
        ),
      );
    const [near, all] = [tellings(core), tellings([...world.facts])];
    expect(Math.min(...all)).toBeGreaterThan(3);
    expect(Math.min(...near)).toBeGreaterThan(15);
    const mean = (tellings: number[]): number => tellings.reduce((sum, n) => sum + n, 0) / tellings.length;
    expect(mean(near)).toBeGreaterThan(1.5 * mean(all));
  });

  it('has no slot left open and no space too many', () => {
    for (const reach of ['core', 'town'] as const) {
      for (const document of take(6, 10_000, reach)) {
        expect(document).not.toMatch(/[{}()|]|\w {2}|undefined| [,.!?]/);
        expect(document, document).toMatch(/^ [\p{Lu}\p{N}"]/u);
      }
    }
  });

  it('is varied: no line of prose makes up more than a hundredth of it', () => {
    const counts = new Map<string, number>();
    const prose = take(7, 20_000).filter((document) => !document.startsWith(' Q: '));
    for (const document of prose) counts.set(document, (counts.get(document) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBeLessThan(prose.length / 100);
    expect(counts.size / prose.length).toBeGreaterThan(0.5);
  });

  it('is short: 20 to 35 tokens a document, 110 at most', () => {
    for (const [vocabulary, reach] of [
      [PRESETS.nano.vocabulary, 'core'],
      [PRESETS.mini.vocabulary, 'town'],
    ] as const) {
      const tokenizer = trainWorldTokenizer(world, vocabulary, reach);
      const lengths = take(5, 3000, reach).map((document) => tokenizer.encode(document).length);
      const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
      expect(mean).toBeGreaterThan(19);
      expect(mean).toBeLessThan(35);
      expect(Math.max(...lengths)).toBeLessThan(110);
    }
  });
});
