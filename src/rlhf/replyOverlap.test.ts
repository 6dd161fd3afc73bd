import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { overlapJudge, type OverlapJudge } from './replyOverlap';

describe('BLEU and ROUGE-L', () => {
  let overlap: OverlapJudge;
  beforeAll(async () => {
    overlap = await overlapJudge();
  });

  it('are those of the papers, with words and marks as tokens', () => {
    // Four words and a mark each; in common "the gull is" and ".": 4 of 5 tokens, and the pairs the-gull, gull-is.
    const { bleu, rougeL } = overlap('The gull is grey.', ['The gull is loud.']);
    expect(bleu).toBeCloseTo(Math.sqrt((4 / 5) * (2 / 4)), 10);
    expect(rougeL).toBeCloseTo(4 / 5, 10);
  });

  it('mind the order of words', () => {
    // All 3 tokens are there, no pair of them; one is the longest that comes in order.
    const { bleu, rougeL } = overlap('c b a', ['a b c']);
    expect(bleu).toBe(0);
    expect(rougeL).toBeCloseTo(1 / 3, 10);
  });

  it('BLEU charges for brevity, ROUGE-L for what is missing', () => {
    const { bleu, rougeL } = overlap('in the old', ['in the old mill near the quay']);
    expect(bleu).toBeCloseTo(Math.exp(1 - 7 / 3), 10);
    expect(rougeL).toBeCloseTo((2 * 1 * (3 / 7)) / (1 + 3 / 7), 10);
  });

  it('take the closest of the references', () => {
    const best = overlap('Mira is a baker.', ['I do not know.', 'Mira is a baker!', 'She bakes.']);
    expect(best).toEqual(overlap('Mira is a baker.', ['Mira is a baker!']));
    expect(best.rougeL).toBeCloseTo(4 / 5, 10);
  });

  it('are 0 for silence, and know no words that objects have', () => {
    expect(overlap('', ['Hello.'])).toEqual({ bleu: 0, rougeL: 0 });
    expect(overlap(' \n ', ['Hello.'])).toEqual({ bleu: 0, rougeL: 0 });
    expect(overlap('constructor toString', ['hello there'])).toEqual({ bleu: 0, rougeL: 0 });
  });

  it('lie between 0 and 1, and are 1 for a reply of two words or more that is the reference', () => {
    const word = fc.constantFrom('a', 'gull', 'valueOf', '7', '海', '__proto__');
    const text = fc.array(word, { minLength: 2, maxLength: 8 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(text, text, (reply, reference) => {
        const { bleu, rougeL } = overlap(reply, [reference]);
        expect(bleu >= 0 && bleu <= 1 && rougeL >= 0 && rougeL <= 1).toBe(true);
        const own = overlap(reference, [reference]);
        expect(own.bleu).toBeCloseTo(1, 10);
        expect(own.rougeL).toBeCloseTo(1, 10);
      }),
    );
  });
});
