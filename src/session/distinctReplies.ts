/** Replies to be ranked say different things: one that says the same as another is sampled again. */
import type { Generation } from '../model/generate';

/**
 * Rounds of sampling again, at most: a model that is sure of its answer says little else. Of 30 prompts to the shipped
 * `nano` and `mini`, four replies differ at once for 15 and 8, after 4 rounds for 28 and 27, after 8 for all; the mean
 * is under two rounds.
 */
export const MOST_TRIES = 8;

export interface Sampled {
  tokenIds: number[];
  finished: boolean;
}

/**
 * Samples `k` replies, then again those that repeat another, until all differ or `tries` more rounds are over.
 *
 * @param sample draws `count` replies; yields where they stand, the last time whole
 * @param textOf the words of a reply, by which two are the same
 * @param seed of the first round; the next ones count up from it, so that the same seed gives the same replies
 * @returns yields where all `k` stand: those that stay, and those that are being written
 */
export async function* sampleDistinct(
  sample: (count: number, seed: number) => AsyncIterable<Generation>,
  textOf: (tokenIds: readonly number[]) => string,
  k: number,
  seed: number,
  tries = MOST_TRIES,
): AsyncGenerator<readonly Sampled[]> {
  const replies: Sampled[] = Array.from({ length: k }, () => ({ tokenIds: [], finished: false }));
  /** What the replies that stay say. */
  const said = new Set<string>();
  let wanted = replies.map((_, row) => row);
  for (let round = 0; round <= tries && wanted.length > 0; round++) {
    for await (const { responses, finished } of sample(wanted.length, (seed + round) >>> 0)) {
      wanted.forEach((row, i) => {
        replies[row] = { tokenIds: [...(responses[i] ?? [])], finished: finished[i] ?? false };
      });
      yield replies;
    }
    wanted = wanted.filter((row) => {
      const text = textOf(replies[row]?.tokenIds ?? []);
      const repeats = said.has(text);
      said.add(text);
      return repeats;
    });
  }
}
