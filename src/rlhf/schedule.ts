/** Learning rates over a run. `step` counts from 0. */

/** The width that rates for every width are given for: nano's. */
const WIDTH = 64;

/**
 * A learning rate of Adam for a model of another width: in inverse proportion (Yang et al. 2022, "Tensor Programs V",
 * table 3). At nano's best rate for SFT, mini forgets what it has only read.
 */
export const rateForWidth = (rate: number, width: number): number => (rate * WIDTH) / width;

/** Falls in a straight line to 0 after the last step. */
export function linearToZero(peak: number, step: number, steps: number): number {
  return peak * (1 - step / steps);
}

/** Climbs over `warmup` steps, then follows a cosine down to 5% of the peak. */
export function warmupCosine(peak: number, step: number, steps: number, warmup: number): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const progress = (step - warmup) / Math.max(1, steps - warmup);
  return peak * (0.05 + 0.95 * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
