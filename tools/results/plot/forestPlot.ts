/**
 * A forest plot: a row for each thing measured, in it a mark for each seed with its interval, and the mean of the seeds
 * as an upright line with its number at the end of the row.
 */
import { spreadOf } from '../seeds';
import { COLOURS, mark, type Hue } from './marks';
import { linear, ticks } from './scale';
import { element, INK, picture } from './svg';

export interface ForestRow {
  label: string;
  /** A second, smaller line under the label. */
  note?: string;
  hue: Hue;
  /** One a seed. */
  marks: readonly { value: number; low?: number; high?: number }[];
}

export interface ForestPlot {
  title: string;
  /** What the axis measures, with its unit. */
  axis: string;
  range: readonly [number, number];
  format: (value: number) => string;
  /** A line across all rows, such as even odds. */
  reference?: { at: number; label: string };
  /** Rows of a group stand together, under its name where it has one. */
  groups: readonly { name?: string; rows: readonly ForestRow[] }[];
}

const WIDTH = 760;
const [LEFT, RIGHT, TOP, FOOT] = [250, 110, 48, 46];
const [ROW, HEAD, GAP] = [46, 24, 10];
const SEEDS_HEIGHT = 26;

export function forestPlot({ title, axis, range, format, reference, groups }: ForestPlot): string {
  const x = linear(range, [LEFT, WIDTH - RIGHT]);
  const content: string[] = [element('text', { x: 0, y: 18, 'font-size': 15, 'font-weight': 600 }, title)];
  const rows: string[] = [];
  let y = TOP;
  for (const { name, rows: own } of groups) {
    if (name !== undefined) {
      rows.push(element('text', { x: 0, y: y + HEAD - 8, 'font-weight': 600 }, name));
      y += HEAD;
    }
    for (const row of own) {
      rows.push(...drawRow(row, y, x, format));
      y += ROW;
    }
    y += GAP;
  }
  const bottom = y - GAP;
  for (const tick of ticks(range, 6)) {
    const stroke = { stroke: INK, 'stroke-opacity': 0.25 };
    content.push(
      element('line', { x1: x(tick), x2: x(tick), y1: TOP, y2: bottom, ...stroke }),
      element('text', { x: x(tick), y: bottom + 18, 'text-anchor': 'middle' }, format(tick)),
    );
  }
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  content.push(element('text', { x: middle, y: bottom + 38, 'text-anchor': 'middle' }, axis));
  if (reference) {
    const place = x(reference.at);
    content.push(
      element('line', { x1: place, x2: place, y1: TOP, y2: bottom, stroke: INK, 'stroke-dasharray': '4 3' }),
      element('text', { x: place, y: TOP - 8, 'text-anchor': 'middle', 'font-size': 12 }, reference.label),
    );
  }
  return picture(WIDTH, bottom + FOOT, title, [...content, ...rows]);
}

function drawRow(
  { label, note, hue, marks }: ForestRow,
  top: number,
  x: (value: number) => number,
  format: (value: number) => string,
): string[] {
  const middle = top + ROW / 2;
  const drawn = [element('text', { x: 0, y: note === undefined ? middle + 4 : middle - 3 }, label)];
  if (note !== undefined) drawn.push(element('text', { x: 0, y: middle + 13, 'font-size': 11 }, note));
  const step = SEEDS_HEIGHT / Math.max(1, marks.length);
  marks.forEach(({ value, low, high }, i) => {
    const y = middle - SEEDS_HEIGHT / 2 + step * (i + 0.5);
    if (low !== undefined && high !== undefined) {
      drawn.push(element('line', { x1: x(low), x2: x(high), y1: y, y2: y, stroke: COLOURS[hue], 'stroke-width': 1.5 }));
    }
    drawn.push(mark(hue, x(value), y, 3));
  });
  const { mean, lowest, highest } = spreadOf(marks.map(({ value }) => value));
  const line = { stroke: COLOURS[hue], 'stroke-width': 2.5 };
  drawn.push(
    element('line', { x1: x(mean), x2: x(mean), y1: top + 5, y2: top + ROW - 5, ...line }),
    element('text', { x: WIDTH - RIGHT + 12, y: middle - 2, fill: COLOURS[hue], 'font-weight': 600 }, format(mean)),
    element(
      'text',
      { x: WIDTH - RIGHT + 12, y: middle + 13, 'font-size': 11 },
      marks.length > 1 ? `${format(lowest)} to ${format(highest)}` : 'one seed',
    ),
  );
  return drawn;
}
