/**
 * What each token of a reply adds to its score. The reward model's score is a sum over the tokens (model/rewardHead.ts),
 *
 *   r(x, y) = Σ_t [ s(h_t) / |y| + u log p(y_t | x, y_<t) ]
 *
 * so it needs no approximation, as Shapley values or attention would be: each token's credit is its own term.
 */
import * as tf from '@tensorflow/tfjs-core';
import { batchTensors, padBatch } from '../model/batch';
import { type RewardModel, scoreTerms } from '../model/rewardHead';
import { poolingWeights } from './rewardModel';
import type { CreditedPiece } from '../session/protocol';
import type { Tokenizer } from '../text/tokenizer';

/** Credits of the tokens of replies, [B] lists, each as long as its reply; mean over the reward models. */
export async function tokenCredits(
  members: readonly RewardModel[],
  prompts: readonly number[][],
  replies: readonly number[][],
  pad: number,
): Promise<number[][]> {
  const [first] = members;
  if (!first || replies.length === 0) return [];
  const batch = padBatch(prompts, replies, pad, first.trunk.shape.context);
  const credits = replies.map((reply) => new Array<number>(reply.length).fill(0));
  for (const member of members) {
    const terms = tf.tidy(() => {
      const { ids, start, responseMask } = batchTensors(batch);
      const { values, shape } = poolingWeights(batch);
      return scoreTerms(member, ids, start, tf.tensor2d(values, shape as [number, number]), responseMask);
    });
    const values = await terms.data<'float32'>(); // [B, R]
    terms.dispose();
    credits.forEach((own, b) =>
      own.forEach((_, t) => (own[t] = own[t]! + values[b * batch.responseLength + t]! / members.length)),
    );
  }
  return credits;
}

/**
 * The text of a reply in whole words with what each adds; the end of the reply, where it stopped, is a piece of its own
 * without text. Credits sum to the score.
 * @param credits of the tokens, as many as there are
 */
export function creditedWords(
  tokenizer: Tokenizer,
  tokens: readonly number[],
  credits: readonly number[],
): CreditedPiece[] {
  const pieces: CreditedPiece[] = [];
  let said = '';
  let owed = 0;
  tokens.forEach((token, t) => {
    const credit = credits[t] as number;
    if (token === tokenizer.specials.end) {
      pieces.push({ text: '', credit });
      return;
    }
    // A character may be many tokens: what has no text yet is added to what completes it.
    const now = tokenizer.decode(tokens.slice(0, t + 1), { partial: true });
    const text = now.slice(said.length);
    said = now;
    owed += credit;
    if (text === '') return;
    const last = pieces.at(-1);
    if (last && !/^\s/.test(text) && /[\p{L}\p{N}]$/u.test(last.text) && /^[\p{L}\p{N}]/u.test(text)) {
      last.text += text;
      last.credit += owed;
    } else pieces.push({ text, credit: owed });
    owed = 0;
  });
  if (owed !== 0) pieces.push({ text: '', credit: owed });
  return pieces;
}
