/**
 * Comparing two models on the same prompts, with honest intervals. Plain numbers on the host.
 *
 * Samples of one prompt are alike, so a prompt is the unit that is drawn: standard errors are clustered by prompt
 * (the sandwich estimator of a ratio, with its G / (G - 1) correction; Cameron and Miller 2015, section II).
 */
import { InputError } from '../errors';
import type { Estimate, WinRate } from '../session/protocol';

/** 1: our sample was chosen; -1: theirs; 0: a tie. */
export type Choice = 1 | 0 | -1;

/** 97.5% point of the normal distribution: 1.96 standard errors either way hold 95%. */
const NORMAL_97_5 = 1.959964;

/**
 * Every sample of ours against every sample of theirs, for one prompt.
 *
 * @param ours scores of our samples; two a side is usual
 * @param theirs scores of their samples for the same prompt
 * @param tieMargin scores no further apart than this are a tie
 * @returns ours.length x theirs.length choices
 */
export function pairedChoices(ours: readonly number[], theirs: readonly number[], tieMargin = 1e-9): Choice[] {
  return ours.flatMap((mine) =>
    theirs.map((other): Choice => {
      const difference = mine - other;
      return Math.abs(difference) <= tieMargin ? 0 : difference > 0 ? 1 : -1;
    }),
  );
}

/**
 * How often ours is chosen over theirs.
 *
 * value = (wins + ties / 2) / choices;  decided = wins / (wins + losses)
 *
 * @param choicesByPrompt one list of choices a prompt, from `pairedChoices`; each prompt has at least one
 * @returns the 95% interval lies within 0 to 1; for a single prompt it is all of it. `decided` is 0.5 where all tied
 * @throws InputError for no choices
 */
export function winRate(choicesByPrompt: readonly (readonly Choice[])[]): WinRate {
  let wins = 0;
  let ties = 0;
  let losses = 0;
  for (const choice of choicesByPrompt.flat()) {
    if (choice > 0) wins++;
    else if (choice < 0) losses++;
    else ties++;
  }
  const { mean, se } = meanByPrompt(choicesByPrompt.map((choices) => choices.map((choice) => (choice + 1) / 2)));
  return {
    value: mean,
    low: Math.max(0, mean - NORMAL_97_5 * se),
    high: Math.min(1, mean + NORMAL_97_5 * se),
    decided: wins + losses > 0 ? wins / (wins + losses) : 0.5,
    wins,
    ties,
    losses,
  };
}

/**
 * Mean over all samples, and its standard error clustered by prompt.
 *
 * mean = Σ_g Σ_i x_gi / n;  se = sqrt( G / (G - 1) · Σ_g (Σ_i (x_gi - mean))² ) / n
 *
 * @param valuesByPrompt one list of values a prompt
 * @returns `se` is infinite for a single prompt: nothing is known about how prompts differ
 * @throws InputError for no values
 */
export function meanByPrompt(valuesByPrompt: readonly (readonly number[])[]): Estimate {
  const values = valuesByPrompt.flat();
  const n = values.length;
  if (n === 0) throw new InputError('There is nothing to take a mean of.', 'Evaluate on at least one prompt.');
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const prompts = valuesByPrompt.filter((own) => own.length > 0);
  const G = prompts.length;
  let squares = 0;
  for (const own of prompts) squares += own.reduce((sum, value) => sum + (value - mean), 0) ** 2;
  return { mean, se: G > 1 ? Math.sqrt((G / (G - 1)) * squares) / n : Infinity };
}
