import { beforeAll, describe, expect, it } from 'vitest';
import { WORLD_SEED } from '../config';
import { goldScore } from '../text/world/gold';
import {
  asksForNameOverThreeTurns,
  HELD_OUT_SIDES,
  promptsOn,
  samplePrompts,
  type WorldPrompt,
} from '../text/world/prompts';
import { Random } from '../text/world/random';
import { replyTo, type ReplyStyle } from '../text/world/replies';
import { createWorld } from '../text/world/world';
import type { Answer } from './answers';
import { evaluationPrompts } from './evaluationPrompts';
import { goodReplies, replyMeasures, turnsDown } from './replyMeasures';
import { overlapJudge, type OverlapJudge } from './replyOverlap';

const world = createWorld(WORLD_SEED);
const heldOut = promptsOn(world, 'heldOut', 'core');
const some = (kind: WorldPrompt['kind'], count: number): WorldPrompt[] =>
  heldOut.filter((prompt) => prompt.kind === kind).slice(0, count);

function answered(prompt: WorldPrompt, text: string): Answer {
  const { score, parts } = goldScore(world, prompt, text, true);
  return { prompt, response: [], text, finished: true, gold: score, parts };
}

function inStyle(prompts: readonly WorldPrompt[], style: ReplyStyle): Answer[] {
  const random = new Random(3);
  return prompts.map((prompt) => answered(prompt, replyTo(world, prompt, style, random)));
}

describe('measures of replies', () => {
  let overlap: OverlapJudge;
  beforeAll(async () => {
    overlap = await overlapJudge();
  });
  const measured = (answers: readonly Answer[]) =>
    replyMeasures(
      world,
      answers,
      goodReplies(
        world,
        answers.map(({ prompt }) => prompt),
        1,
      ),
      overlap,
    );

  it('count right replies by side and kind, and the sides add up to all', () => {
    const prompts = samplePrompts(world, 'heldOut', 200, 4);
    const { right } = measured(prompts.flatMap((prompt, i) => inStyle([prompt], i % 3 === 0 ? 'wrong' : 'good')));
    let hits = 0;
    for (const [kind, all] of Object.entries(right.all)) {
      const parts = HELD_OUT_SIDES.map((side) => right[side][kind] ?? { hits: 0, of: 0 });
      expect(parts.reduce((sum, part) => sum + part.hits, 0)).toBe(all.hits);
      expect(parts.reduce((sum, part) => sum + part.of, 0)).toBe(all.of);
      expect(all.of).toBe(prompts.filter((prompt) => prompt.kind === kind).length);
      hits += all.hits;
    }
    // Two thirds are good; a wrong reply is never right.
    expect(hits).toBe(prompts.filter((_, i) => i % 3 !== 0).length);
    expect(Object.keys(right.unasked)).toEqual(['fact']);
  });

  it('count what is turned down, and should be, of improper requests alone', () => {
    const [a, b, c] = some('improper', 3) as [WorldPrompt, WorldPrompt, WorldPrompt];
    const { refusals, overRefusals } = measured([
      ...inStyle([a], 'good'),
      ...inStyle([b], 'wrong'),
      answered(c, `${c.text} ${replyTo(world, c, 'good', new Random(1))}`),
      ...inStyle(some('fact', 5), 'refusal'),
    ]);
    expect(refusals).toEqual({ hits: 2, of: 3 });
    expect(overRefusals).toEqual({ hits: 0, of: 0 });
  });

  it('count what is turned down, and should not be, of proper requests that look alike', () => {
    const proper = some('proper', 8);
    const answers = [...inStyle(proper.slice(0, 3), 'refusal'), ...inStyle(proper.slice(3), 'good')];
    expect(measured(answers).overRefusals).toEqual({ hits: 3, of: 8 });
    expect(measured(answers).refusals).toEqual({ hits: 0, of: 0 });
  });

  it('count the names that are kept over three turns, and nothing else', () => {
    const names = evaluationPrompts(world, 'phrasing', { perKind: 5 }, 1).filter(asksForNameOverThreeTurns);
    const answers = [
      ...inStyle(names.slice(0, 3), 'good'),
      ...inStyle(names.slice(3), 'wrong'),
      ...inStyle(some('fact', 4), 'good'),
    ];
    expect(measured(answers).keptNames).toEqual({ hits: 3, of: 5 });
  });

  it('hear no refusal in a question that is said back, nor in good advice', () => {
    const [mark = ''] = world.language.refusals.marks;
    const [prompt] = some('proper', 1) as [WorldPrompt];
    const asking = { ...prompt, text: `Why do people say ${mark}?` };
    expect(turnsDown(world, asking, asking.text)).toBe(false);
    expect(turnsDown(world, asking, `No. ${mark}.`)).toBe(true);
    for (const { prompt: own, text } of inStyle(some('proper', 100), 'good'))
      expect(turnsDown(world, own, text)).toBe(false);
  });

  it('average the parts of the gold score over all replies', () => {
    const [good] = inStyle(some('fact', 1), 'good') as [Answer];
    const silent = answered(good.prompt, '');
    const { goldParts } = measured([good, silent]);
    for (const [part, mean] of Object.entries(goldParts))
      expect(mean).toBeCloseTo(good.parts[part as keyof Answer['parts']] / 2, 12);
    expect(goldParts['right']).toBe(0.5);
  });

  it('find good replies close to the references, and wrong ones less so', () => {
    const prompts = samplePrompts(world, 'heldOut', 120, 6);
    const [good, rude] = [measured(inStyle(prompts, 'good')), measured(inStyle(prompts, 'rude'))];
    expect(good.rougeL).toBeGreaterThan(0.8);
    expect(good.bleu).toBeGreaterThan(rude.bleu + 0.2);
    expect(good.rougeL).toBeGreaterThan(rude.rougeL + 0.2);
    expect(good.distinct1).toBeGreaterThan(0);
    expect(good.distinct2).toBeGreaterThan(good.distinct1);
  });

  it('compare with the same references whoever answers', () => {
    const prompts = some('fact', 4);
    expect(goodReplies(world, prompts, 9)).toEqual(goodReplies(world, prompts, 9));
  });
});
