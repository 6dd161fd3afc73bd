/** Numbers and times as the page writes them. */

/** Three significant digits at most, a real minus sign; "–" for nothing. */
export function figure(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const text =
    size !== 0 && size < 10 ** -digits / 2 ? value.toExponential(1) : value.toFixed(size >= 100 ? 0 : digits);
  return text.replace('-', '−');
}

/** With its sign, for scores: "+0.81", "−0.20". */
export function signed(value: number | null | undefined): string {
  const text = figure(value);
  return text === '–' || text.startsWith('−') ? text : `+${text}`;
}

/** A probability without its leading zero, as ".41"; "1.0" when it rounds to one. */
export function chance(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return value >= 0.995 ? '1.0' : value.toFixed(2).slice(1);
}

export function percent(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : `${(value * 100).toFixed(digits)}%`;
}

/** "0.4 s", "11 s", "3 min", "2 h 5 min". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "0.14M", "838,784" stays readable as "0.84M"; below 10,000 in full. */
export function magnitude(count: number): string {
  return count < 10_000 ? count.toLocaleString('en') : `${(count / 1e6).toFixed(2)}M`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
