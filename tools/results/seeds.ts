/** What the seeds of an experiment come to: each is shown, and so is how far they are apart. */

export interface Spread {
  mean: number;
  /** Standard deviation over the seeds, with n - 1; 0 for a single seed. */
  sd: number;
  lowest: number;
  highest: number;
}

/** @throws RangeError for no values */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('Expected the value of at least one seed.');
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean,
    sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0,
    lowest: Math.min(...values),
    highest: Math.max(...values),
  };
}
