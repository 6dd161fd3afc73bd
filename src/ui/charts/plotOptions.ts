/** How uPlot draws our charts: thin axes in the colours of the theme, no legend of its own, no animation. */
import type uPlot from 'uplot';
import type { ChartDefinition } from './chartDefinitions';

/** `var(--policy)` as the colour that it stands for here and now. */
export function resolveColour(node: Element, colour: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name ? getComputedStyle(node).getPropertyValue(name).trim() : colour;
}

function tick(value: number): string {
  const size = Math.abs(value);
  const text =
    size === 0
      ? '0'
      : size >= 1000
        ? `${value / 1000}k`
        : size < 0.001
          ? value.toExponential(0)
          : String(+value.toPrecision(3));
  return text.replace('-', '−');
}

/** Steps are counted, so their axis has whole numbers only. */
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

export function plotOptions(node: HTMLElement, definition: ChartDefinition, colour: string): uPlot.Options {
  const line = resolveColour(node, 'var(--line)');
  const ink = resolveColour(node, 'var(--ink-faint)');
  const font = `11px ${getComputedStyle(node).fontFamily}`;
  const axis: uPlot.Axis = { stroke: ink, font, ticks: { show: false }, grid: { stroke: line, width: 1 } };
  return {
    width: Math.max(node.clientWidth, 100),
    height: Math.max(node.clientHeight, 100),
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: false, range: (_, min, max) => [min, Math.max(max, min + 1)] } },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 4,
        space: 48,
        incrs: WHOLE_STEPS,
        grid: { show: false },
        values: (_, values) => values.map(tick),
      },
      { ...axis, size: 44, gap: 4, space: 28, values: (_, values) => values.map(tick) },
    ],
    series: [
      {},
      ...definition.series.map(({ label }, index): uPlot.Series => ({
        label,
        stroke: resolveColour(node, index === 0 ? colour : 'var(--ink-soft)'),
        width: 1.75,
        ...(index === 0 ? {} : { dash: [5, 4] }),
        points: { show: (chart, series) => hasFew(chart.data[series] ?? []) },
        spanGaps: true,
      })),
    ],
  };
}

/** Too few to be seen as a line, or measured only now and then. */
function hasFew(values: ArrayLike<number | null | undefined>): boolean {
  const there = Array.from(values).filter((value) => value !== null && value !== undefined).length;
  return there < 3 || (there < values.length && there < 40);
}
