/**
 * Ratings of models from duels, with how sure they are: Bradley and Terry's strengths, and intervals by resampling the
 * prompts (Efron 1979), since replies to one prompt are no independent evidence.
 */
import { hash4 } from '../ops/counterRandom';
import { bradleyTerryRatings } from './statistics';

/** One comparison of two models on a prompt. */
export interface Duel {
  prompt: number;
  /** Places of the models in the list that is rated. */
  first: number;
  second: number;
  /** 1 where the first won, 0 where the second did, 0.5 for a tie. */
  outcome: number;
}

export interface Rating {
  /** log of the strength; all ratings sum to 0. A difference of ln 2 is odds of 2 to 1. */
  rating: number;
  /** 95% interval. */
  low: number;
  high: number;
}

const RESAMPLES = 200;
/** Half a win each way beside what was seen: without it a model that won everything would be infinitely strong. */
const PRIOR = 0.5;

/**
 * @param models how many there are; each must have fought
 * @param seed of the resampling
 */
export function ratings(duels: readonly Duel[], models: number, seed: number, resamples = RESAMPLES): Rating[] {
  const byPrompt = new Map<number, Duel[]>();
  for (const duel of duels) byPrompt.set(duel.prompt, [...(byPrompt.get(duel.prompt) ?? []), duel]);
  const prompts = [...byPrompt.values()];
  const whole = strengths(duels, models);
  const drawn = Array.from({ length: resamples }, (_, turn) =>
    strengths(
      prompts.flatMap((_own, i) => prompts[hash4(seed, turn, i, 0) % prompts.length] as Duel[]),
      models,
    ),
  );
  return whole.map((rating, model) => {
    const own = drawn.map((all) => all[model] as number).sort((a, b) => a - b);
    const at = (share: number): number => own[Math.round(share * (own.length - 1))] as number;
    return { rating, low: Math.min(rating, at(0.025)), high: Math.max(rating, at(0.975)) };
  });
}

function strengths(duels: readonly Duel[], models: number): number[] {
  const wins = Array.from({ length: models }, (_, i) =>
    Array.from({ length: models }, (_unused, j) => (i === j ? 0 : PRIOR)),
  );
  for (const { first, second, outcome } of duels) {
    (wins[first] as number[])[second]! += outcome;
    (wins[second] as number[])[first]! += 1 - outcome;
  }
  return bradleyTerryRatings(wins);
}
