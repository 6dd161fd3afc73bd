import { describe, expect, it } from 'vitest';
import { distinctN } from './distinctN';

describe('distinct-n', () => {
  it('counts different words and pairs over all words, whatever their case and marks', () => {
    const replies = ['The gull is grey.', 'the gull is loud!'];
    // the gull is grey loud: 5 of 8 words; the-gull gull-is is-grey is-loud: 4 pairs over 8 words.
    expect(distinctN(replies, 1)).toBe(5 / 8);
    expect(distinctN(replies, 2)).toBe(4 / 8);
  });

  it('lets no pair reach from one reply into the next', () => {
    expect(distinctN(['yes', 'yes', 'no'], 2)).toBe(0);
    expect(distinctN(['yes', 'yes', 'no'], 1)).toBe(2 / 3);
  });

  it('is 0 where nothing was said', () => {
    expect(distinctN([], 1)).toBe(0);
    expect(distinctN(['', ' … '], 2)).toBe(0);
  });
});
