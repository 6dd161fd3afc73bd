/** From values to places on paper, and the values that an axis names. */

export type Scale = (value: number) => number;

export const linear =
  ([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale =>
  (value) =>
    from + ((value - low) / (high - low)) * (to - from);

/** Equal ratios are equally far apart; all values above 0. */
export function logarithmic([low, high]: readonly [number, number], places: readonly [number, number]): Scale {
  const scale = linear([Math.log(low), Math.log(high)], places);
  return (value) => scale(Math.log(value));
}

/** Round values within a range, 1, 2 or 5 times a power of ten apart, at most so many. */
export function ticks([low, high]: readonly [number, number], most: number): number[] {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
