/** Lines over a number that grows evenly: each of one run or one mean, with a name at its right end. */
import { COLOURS, type Hue } from './marks';
import { linear, ticks, type Scale } from './scale';
import { element, INK, picture } from './svg';

export interface Line {
  /** At its right end; none for a line that another names. */
  label?: string;
  hue: Hue;
  /** As SVG's stroke-dasharray. */
  dash?: string;
  /** Thin and faint: one seed of several. */
  faint?: boolean;
  points: readonly (readonly [x: number, y: number])[];
}

export interface LinePlot {
  title: string;
  xAxis: string;
  yAxis: string;
  range: readonly [number, number];
  format: (value: number) => string;
  lines: readonly Line[];
  reference?: { at: number; label: string };
}

const [WIDTH, HEIGHT] = [760, 360];
const [LEFT, RIGHT, TOP, FOOT] = [64, 190, 52, 52];
const LABEL_HEIGHT = 16;

export function linePlot({ title, xAxis, yAxis, range, format, lines, reference }: LinePlot): string {
  const xs = lines.flatMap(({ points }) => points.map(([at]) => at));
  const xRange = [Math.min(0, ...xs), Math.max(...xs, 1e-9)] as const;
  const x = linear(xRange, [LEFT, WIDTH - RIGHT]);
  const [low, high] = range;
  const y = linear([low, high > low ? high : low + 1], [HEIGHT - FOOT, TOP]);
  const content = [
    element('text', { x: 0, y: 18, 'font-size': 15, 'font-weight': 600 }, title),
    element('text', { x: 0, y: TOP - 14, 'font-size': 12 }, yAxis),
  ];
  for (const tick of ticks([low, high > low ? high : low + 1], 6))
    content.push(
      element('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), stroke: INK, 'stroke-opacity': 0.25 }),
      element('text', { x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end' }, format(tick)),
    );
  for (const tick of ticks(xRange, 8))
    content.push(element('text', { x: x(tick), y: HEIGHT - FOOT + 20, 'text-anchor': 'middle', 'font-size': 12 }, `${tick}`));
  content.push(element('text', { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - FOOT + 42, 'text-anchor': 'middle' }, xAxis));
  if (reference) {
    const place = y(reference.at);
    content.push(
      element('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: place, y2: place, stroke: INK, 'stroke-dasharray': '4 3' }),
      element('text', { x: WIDTH - RIGHT - 4, y: place - 5, 'text-anchor': 'end', 'font-size': 12 }, reference.label),
    );
  }
  for (const { hue, dash, faint, points } of lines) {
    const look = { fill: 'none', stroke: COLOURS[hue], 'stroke-width': faint ? 1 : 2.5, 'stroke-opacity': faint ? 0.5 : 1 };
    const path = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    content.push(element('polyline', { points: path, ...look, ...(dash === undefined ? {} : { 'stroke-dasharray': dash }) }));
  }
  content.push(...labelsOf(lines, y));
  return picture(WIDTH, HEIGHT, title, content);
}

/** Names at the right ends, moved apart where lines end close together. */
function labelsOf(lines: readonly Line[], y: Scale): string[] {
  const ends = lines
    .flatMap(({ label, hue, points }) => {
      const end = points.at(-1);
      return label !== undefined && end ? [{ label, hue, place: y(end[1]) }] : [];
    })
    .sort((a, b) => a.place - b.place);
  let above = -Infinity;
  return ends.map(({ label, hue, place }) => {
    above = Math.max(place, above + LABEL_HEIGHT);
    return element('text', { x: WIDTH - RIGHT + 6, y: above + 4, fill: COLOURS[hue], 'font-size': 12 }, label);
  });
}
