/** Row numbers for a table of at most `most` rows: evenly spread, the first and the newest among them, newest first. */
export function sampledRows(length: number, most = 40): number[] {
  const count = Math.min(length, most);
  const rows = new Set<number>();
  for (let index = 0; index < count; index++) rows.add(Math.round((index * (length - 1)) / Math.max(1, count - 1)));
  return [...rows].reverse();
}
