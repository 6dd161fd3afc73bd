import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GOLD_PARTS, goldScore } from './gold';
import { critiqueAndRevise, drawPrinciple, PRINCIPLES, weightsOfPrinciple } from './principles';
import { samplePrompts } from './prompts';
import { Random } from './random';
import { replyTo, type ReplyStyle } from './replies';
import { createWorld } from './world';

const world = createWorld(7);
const prompts = samplePrompts(world, 'train', 200, 3);
const STYLES: readonly ReplyStyle[] = ['good', 'curt', 'rambling', 'wrong', 'rude', 'refusal'];

describe('principles', () => {
  it('are one for every part of the gold score, and judge by nothing else', () => {
    expect(PRINCIPLES.map(({ id }) => id)).toEqual([...GOLD_PARTS]);
    for (const principle of PRINCIPLES) {
      const weights = weightsOfPrinciple(principle);
      const [prompt] = prompts;
      const { score, parts } = goldScore(world, prompt!, 'I do not know.', true, weights);
      expect(score).toBeCloseTo(parts[principle.id], 2);
    }
  });

  it('are drawn anew for every comparison, each in its turn, the same by the same seed', () => {
    const drawn = Array.from({ length: 300 }, (_, i) => drawPrinciple(['polite', 'honest', 'safe'], 5, i).id);
    expect(new Set(drawn)).toEqual(new Set(['polite', 'honest', 'safe']));
    for (const id of new Set(drawn)) expect(drawn.filter((own) => own === id).length).toBeGreaterThan(60);
    expect(drawPrinciple(['polite', 'honest', 'safe'], 5, 17).id).toBe(drawn[17]);
    expect(() => drawPrinciple([], 1, 1)).toThrow(RangeError);
  });
});

describe('a critique with its revision', () => {
  it('mends what the principle says, makes the reply worth more, and finds nothing where there is nothing', () =>
    fc.assert(
      fc.property(
        fc.constantFrom(...prompts),
        fc.constantFrom(...STYLES),
        fc.constantFrom(...PRINCIPLES),
        fc.nat(),
        (prompt, style, principle, seed) => {
          const reply = replyTo(world, prompt, style, new Random(seed));
          const before = goldScore(world, prompt, reply, true);
          const revision = critiqueAndRevise(world, prompt, reply, true, principle, seed);
          if (before.parts[principle.id] >= 1) expect(revision).toBeNull();
          if (!revision) return;
          const after = goldScore(world, prompt, revision.revised, true);
          expect(after.parts[principle.id]).toBeGreaterThan(before.parts[principle.id]);
          expect(after.score).toBeGreaterThan(before.score);
          expect(revision.critique).toBe(principle.critique);
        },
      ),
      { numRuns: 300 },
    ));

  it('mends nearly every rude, wrong and curt reply that goes against it', () => {
    for (const [style, id] of [
      ['rude', 'polite'],
      ['wrong', 'right'],
      ['curt', 'polite'],
    ] as const) {
      const principle = PRINCIPLES.find((one) => one.id === id)!;
      const broken = prompts
        .map((prompt, i) => ({ prompt, reply: replyTo(world, prompt, style, new Random(i)) }))
        .filter(({ prompt, reply }) => goldScore(world, prompt, reply, true).parts[id] < 1);
      const mended = broken.filter(({ prompt, reply }, i) =>
        critiqueAndRevise(world, prompt, reply, true, principle, i),
      );
      expect(broken.length).toBeGreaterThan(100);
      expect(mended.length / broken.length, style).toBeGreaterThan(0.95);
    }
  });

  it('keeps what was said where a kind word is all that is missing', () => {
    const polite = PRINCIPLES.find(({ id }) => id === 'polite')!;
    const plain = prompts.filter(({ expect: { task } }) => task === 'tell').slice(0, 20);
    const revisions = plain.map((prompt, i) => {
      const reply = prompt.answers.plain(new Random(i));
      return { reply, revision: critiqueAndRevise(world, prompt, reply, true, polite, i) };
    });
    expect(revisions.filter(({ revision }) => revision).length).toBeGreaterThan(15);
    for (const { reply, revision } of revisions)
      if (revision) expect(revision.revised.toLowerCase()).toContain(reply.replace(/[.!?]+$/, '').toLowerCase());
  });
});
