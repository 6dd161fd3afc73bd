import { InputError, ShapeError } from '../errors';

export interface WhitenOptions {
  /** True takes the mean off (advantages); false keeps it and scales only (rewards). */
  shiftMean: boolean;
  /** True divides the squares by n - 1, as TRL; false by n, as lm-human-preferences. */
  unbiased: boolean;
}

/** Keeps a batch of equal values from being divided by 0. */
const EPSILON = 1e-8;

/**
 * Gives the masked values of a batch variance 1 and, unless `shiftMean` is false, mean 0.
 *
 * w = (x - mean) / sqrt(var + 1e-8);  + mean if not `shiftMean`
 *
 * lm-human-preferences, `whiten`. Not in the PPO paper. Taken over the whole batch of a rollout, as TRL does: over
 * minibatches the statistics are noisy and, measured at this scale, double the approximate KL of an update.
 *
 * @param values any shape, row-major
 * @param mask the same shape, 1 where a value counts
 * @returns a new array of that shape; 0 outside the mask
 * @throws ShapeError if the lengths disagree; InputError if the mask is too small for a variance
 */
export function whiten(
  values: Float32Array,
  mask: Float32Array,
  { shiftMean, unbiased }: WhitenOptions = { shiftMean: true, unbiased: false },
): Float32Array {
  if (mask.length !== values.length) {
    throw new ShapeError('whiten', `a mask of ${values.length} numbers`, `${mask.length}`);
  }
  let count = 0;
  let sum = 0;
  mask.forEach((real, i) => {
    if (real === 0) return;
    count++;
    sum += values[i]!;
  });
  const needed = unbiased ? 2 : 1;
  if (count < needed) {
    throw new InputError(
      `Whitening needs at least ${needed} real tokens in the batch, got ${count}.`,
      'Use a larger batch.',
    );
  }
  const mean = sum / count;
  let squares = 0;
  mask.forEach((real, i) => {
    if (real !== 0) squares += (values[i]! - mean) ** 2;
  });
  const scale = 1 / Math.sqrt(squares / (unbiased ? count - 1 : count) + EPSILON);
  const shift = shiftMean ? 0 : mean;
  return values.map((value, i) => (mask[i] === 0 ? 0 : (value - mean) * scale + shift));
}
