/** Learning rates over a run. `step` counts from 0. */

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
