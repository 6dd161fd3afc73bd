/**
 * Curves over a number that grows in ratios: a mark for each seed, a line through the means. What has no such number
 * (a model that was not trained at all) stands in a column of its own on the left, and no line leads there.
 */
import { spreadOf } from '../seeds';
import { COLOURS, mark, type Hue } from './marks';
import { linear, logarithmic, ticks } from './scale';
import { element, INK, picture } from './svg';

export interface CurvePoint {
  /** A number above 0, or the name of a column. */
  x: number | string;
  /** One a seed. */
  values: readonly number[];
}

export interface Curve {
  label: string;
  hue: Hue;
  /** Of the line, as SVG's stroke-dasharray. */
  dash?: string;
  /** Marks of the seeds are drawn; without, the line of the means alone. */
  seeds: boolean;
  points: readonly CurvePoint[];
}

export interface CurvePlot {
  title: string;
  xAxis: string;
  yAxis: string;
  /** Of the y axis. */
  range: readonly [number, number];
  format: (value: number) => string;
  curves: readonly Curve[];
}

const [WIDTH, HEIGHT] = [760, 400];
const [LEFT, RIGHT, TOP, FOOT] = [64, 170, 52, 56];
const COLUMN = 90;
/** Labels at the ends of curves keep so far apart. */
const LABEL_HEIGHT = 16;

export function curvePlot({ title, xAxis, yAxis, range, format, curves }: CurvePlot): string {
  const all = curves.flatMap(({ points }) => points.map(({ x }) => x));
  const names = [...new Set(all.filter((x) => typeof x === 'string'))];
  const numbers = [...new Set(all.filter((x) => typeof x === 'number'))].sort((a, b) => a - b);
  const [least = 1, most = 10] = [numbers[0], numbers.at(-1)];
  const start = LEFT + names.length * COLUMN + (names.length > 0 ? 24 : 12);
  const number = logarithmic([least, most > least ? most : least * 10], [start, WIDTH - RIGHT - 12]);
  const x = (at: number | string): number =>
    typeof at === 'number' ? number(at) : LEFT + (names.indexOf(at) + 0.5) * COLUMN;
  const bottom = HEIGHT - FOOT;
  const y = linear(range, [bottom, TOP]);

  const content = [element('text', { x: 0, y: 18, 'font-size': 15, 'font-weight': 600 }, title)];
  content.push(element('text', { x: 0, y: TOP - 14, 'font-size': 12 }, yAxis));
  for (const tick of ticks(range, 6)) {
    content.push(
      element('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), stroke: INK, 'stroke-opacity': 0.25 }),
      element('text', { x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end' }, format(tick)),
    );
  }
  for (const at of [...names, ...numbers]) {
    content.push(element('text', { x: x(at), y: bottom + 20, 'text-anchor': 'middle', 'font-size': 12 }, `${at}`));
  }
  content.push(element('text', { x: (LEFT + WIDTH - RIGHT) / 2, y: bottom + 44, 'text-anchor': 'middle' }, xAxis));
  for (const curve of curves) content.push(...drawCurve(curve, x, y));
  content.push(...drawLabels(curves, y));
  return picture(WIDTH, HEIGHT, title, content);
}

function drawCurve({ hue, dash, seeds, points }: Curve, x: (at: number | string) => number, y: Scale): string[] {
  const line = points
    .filter((point) => typeof point.x === 'number')
    .map((point) => `${x(point.x).toFixed(1)},${y(meanOf(point)).toFixed(1)}`)
    .join(' ');
  const look = { fill: 'none', stroke: COLOURS[hue], 'stroke-width': seeds ? 2.5 : 1.5 };
  const drawn = [
    element('polyline', { points: line, ...look, ...(dash === undefined ? {} : { 'stroke-dasharray': dash }) }),
  ];
  for (const point of points) {
    // Where nothing was trained it is the base model that speaks.
    const own = typeof point.x === 'string' ? 'base' : hue;
    const [at, mean] = [x(point.x), y(meanOf(point))];
    if (seeds) drawn.push(...point.values.map((value) => mark(own, at, y(value), 3)));
    const half = seeds ? 9 : 4;
    const stroke = { stroke: COLOURS[own], 'stroke-width': seeds ? 2.5 : 1.5 };
    drawn.push(element('line', { x1: at - half, x2: at + half, y1: mean, y2: mean, ...stroke }));
  }
  return drawn;
}

type Scale = (value: number) => number;

const meanOf = ({ values }: CurvePoint): number => spreadOf(values).mean;

/** Names at the right ends, moved apart where curves end close together. */
function drawLabels(curves: readonly Curve[], y: Scale): string[] {
  const ends = curves
    .map((curve) => ({ curve, place: y(meanOf(curve.points.at(-1) ?? { x: 1, values: [0] })) }))
    .sort((a, b) => a.place - b.place);
  let above = -Infinity;
  return ends.map(({ curve, place }) => {
    above = Math.max(place, above + LABEL_HEIGHT);
    const weight = curve.seeds ? 600 : 400;
    const look = { fill: COLOURS[curve.hue], 'font-weight': weight };
    return element('text', { x: WIDTH - RIGHT + 6, y: above + 4, ...look }, curve.label);
  });
}
