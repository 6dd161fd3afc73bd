/**
 * How varied a model's words are: different n-grams over all of its replies, divided by the number of words.
 *
 *   distinct-n = |{n-grams}| / words          Li et al. 2016, section 5.4
 *
 * It falls as more replies are counted, since a language has only so many words: compare models on equally many.
 * Plain numbers on the host.
 */
import { listen } from '../text/world/spoken';

/**
 * @param replies their words are counted in lower case, without marks; no n-gram reaches from one into the next
 * @param n 1 for words, 2 for pairs
 * @returns 0 to 1; 0 where nothing was said
 */
export function distinctN(replies: readonly string[], n: number): number {
  const different = new Set<string>();
  let all = 0;
  for (const reply of replies) {
    const { words } = listen(reply);
    all += words.length;
    for (let i = 0; i + n <= words.length; i++) different.add(words.slice(i, i + n).join(' '));
  }
  return all > 0 ? different.size / all : 0;
}
