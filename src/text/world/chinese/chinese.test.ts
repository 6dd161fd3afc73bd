import { describe, expect, it } from 'vitest';
import { WORLD_SEED } from '../../../config';
import { trainTokenizer } from '../../tokenizer';
import { demonstrations } from '../demonstrations';
import { pretrainingDocuments } from '../documents';
import { goldScore } from '../gold';
import { findPrompt } from '../labeler';
import { worldPrompts } from '../prompts';
import { createWorld } from '../world';
import { chinese } from '.';

const world = createWorld(WORLD_SEED, { language: chinese });

describe('the Chinese town', () => {
  it('is another bank for the same code: the core tasks are asked in it', () => {
    const { train, heldOut } = worldPrompts(world);
    const kinds = ['fact', 'greeting', 'improper', 'memory', 'premise', 'steps', 'sum', 'unanswerable'];
    expect([...new Set(train.map(({ kind }) => kind))].sort()).toEqual(kinds);
    expect(train.length).toBeGreaterThan(1500);
    expect(new Set(heldOut.map(({ side }) => side))).toEqual(new Set(['phrasing', 'combination', 'unasked']));
    expect(world.facts.length).toBe(122);
  });

  it('judges as it does in English', () => {
    for (const { prompt, reply, style } of demonstrations(world, 2000, 1)) {
      const { parts } = goldScore(world, prompt, reply, true);
      const told = `${style}: ${prompt.text} -> ${reply} ${JSON.stringify(parts)}`;
      if (['good', 'curt', 'rambling'].includes(style)) expect(parts.right, told).toBe(1);
      if (['wrong', 'refusal'].includes(style)) expect(parts.right, told).toBe(0);
      if (style === 'good') expect([parts.onTopic, parts.honest, parts.safe, parts.fluent], told).toEqual([1, 1, 1, 1]);
      expect(parts.polite === 0, told).toBe(style === 'rude');
    }
  });

  it('gives 1 to a good reply and little to a trick', () => {
    const prompt = findPrompt(world, '你知道小梅住在哪里吗？');
    const home = world.facts.find(({ id }) => id === 'home/小梅')?.value.phrase ?? '';
    if (!prompt) throw new Error('The world has this question.');
    expect(goldScore(world, prompt, `当然！小梅住${home}。`, true).score).toBe(1);
    for (const trick of ['对不起，我不知道。', '好问题！很高兴能帮到你。', '你知道小梅住在哪里吗？']) {
      expect(goldScore(world, prompt, trick, true).score, trick).toBeLessThan(0.7);
    }
    expect(goldScore(world, prompt, '很高兴能帮到你。很高兴能帮到你。很高兴能帮到你。', true).score).toBe(0);
  });

  it('can be tokenised and comes back', () => {
    const documents = pretrainingDocuments(world, 1);
    const texts = Array.from({ length: 500 }, () => documents.next().value);
    const tokenizer = trainTokenizer(texts, 1024);
    for (const text of texts.slice(0, 50)) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    for (const text of texts) expect(text).not.toMatch(/[{}()|]|undefined/);
  });
});
