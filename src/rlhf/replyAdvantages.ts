/** From what replies are worth to what their tokens are worth, where every token of a reply is worth the same. */
import type { Episodes } from './policyGradient';

/** [B]: each score less what its drift costs, score - klCoef Σ_t k1_t. */
export function chargedScores({ scores, kl, klCoef, responseLength: R }: Episodes): Float32Array {
  return scores.map((score, b) => {
    let drift = 0;
    for (let i = b * R; i < (b + 1) * R; i++) drift += kl[i] as number;
    return score - klCoef * drift;
  });
}

/** [B] spread over the tokens of each reply: [B, R], 0 outside the mask. */
export function spread(advantages: Float32Array, { mask, responseLength: R }: Episodes): Float32Array {
  return mask.map((counts, i) => counts * (advantages[Math.floor(i / R)] as number));
}
