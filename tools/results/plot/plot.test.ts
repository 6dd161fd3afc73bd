import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curvePlot, type CurvePlot } from './curvePlot';
import { forestPlot, type ForestPlot } from './forestPlot';
import { linear, logarithmic, ticks } from './scale';
import { element } from './svg';

const percent = (share: number): string => `${Math.round(100 * share)}%`;

/** The values of an attribute, of every element of one name. */
const attributes = (svg: string, name: string, attribute: string): number[] =>
  [...svg.matchAll(new RegExp(`<${name} [^>]*?\\b${attribute}="([-\\d.]+)"`, 'g'))].map((match) => Number(match[1]));

describe('a scale', () => {
  it('is straight: the middle of the values is the middle of the places', () => {
    expect([0, 0.5, 1].map(linear([0, 1], [100, 300]))).toEqual([100, 200, 300]);
  });

  it('in ratios has equal ratios equally far apart', () => {
    const scale = logarithmic([10, 1000], [0, 200]);
    expect(scale(100)).toBeCloseTo(100, 9);
    expect(scale(40) - scale(20)).toBeCloseTo(scale(400) - scale(200), 9);
  });

  it('names round values within its range, evenly spaced, not more than asked for', () => {
    const range = fc.tuple(
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
    );
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 12 }), ([low, size], most) => {
        const found = ticks([low, low + size], most);
        expect(found.length).toBeLessThanOrEqual(most + 1);
        for (const tick of found) expect(tick >= low - 1e-6 * size && tick <= low + size * (1 + 1e-6)).toBe(true);
        const steps = found.slice(1).map((tick, i) => tick - (found[i] as number));
        for (const step of steps) expect(step).toBeCloseTo(steps[0] as number, 6);
      }),
    );
    expect(ticks([0, 1], 6)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  });
});

describe('an element', () => {
  it('lets no text out of itself', () => {
    expect(element('text', { x: 1.23456, class: '"a"' }, 'a < b & c')).toBe(
      '<text x="1.23" class="&quot;a&quot;">a &lt; b &amp; c</text>',
    );
    expect(element('line', { x1: 0 })).toBe('<line x1="0"/>');
  });
});

describe('a forest plot', () => {
  const values = [0.6, 0.7, 0.8];
  const plot: ForestPlot = {
    title: 'who wins',
    axis: 'win rate',
    range: [0, 1],
    format: percent,
    reference: { at: 0.5, label: 'even odds' },
    groups: [
      {
        rows: [{ label: 'ours', hue: 'policy', marks: values.map((value) => ({ value, low: value - 0.1, high: 1 })) }],
      },
    ],
  };
  const svg = forestPlot(plot);

  it('has each seed at its value, on the line of the axis that names that value', () => {
    const places = attributes(svg, 'circle', 'cx');
    expect(places).toHaveLength(3);
    const [low, high] = ['40%', '80%'].map((tick) => Number(new RegExp(`x="([\\d.]+)"[^>]*>${tick}<`).exec(svg)?.[1]));
    const place = linear([0.4, 0.8], [low as number, high as number]);
    places.forEach((x, i) => expect(x).toBeCloseTo(place(values[i] as number), 1));
  });

  it('says the mean and how far the seeds are apart', () => {
    expect(svg).toContain('>70%<');
    expect(svg).toContain('>60% to 80%<');
  });

  it('says what it shows to those who do not see it', () => {
    expect(svg).toMatch(/role="img"[\s\S]*<title>who wins<\/title>/);
  });

  it('is the same text each time', () => {
    expect(forestPlot(plot)).toBe(svg);
  });
});

describe('a curve plot', () => {
  const plot: CurvePlot = {
    title: 'more is better',
    xAxis: 'demonstrations',
    yAxis: 'right',
    range: [0, 1],
    format: percent,
    curves: [
      {
        label: 'all',
        hue: 'sft',
        seeds: true,
        points: [
          { x: 'base', values: [0.1, 0.3] },
          { x: 10, values: [0.4, 0.6] },
          { x: 100, values: [0.5, 0.7] },
          { x: 1000, values: [0.8, 0.8] },
        ],
      },
    ],
  };
  const svg = curvePlot(plot);

  it('leads its line through the means of what was trained, and not to what was not', () => {
    const points = /polyline points="([^"]+)"/
      .exec(svg)?.[1]
      ?.split(' ')
      .map((point) => point.split(',').map(Number));
    expect(points).toHaveLength(3);
    const [[first, low], [second, middle], [third, high]] = points as [number, number][] as [
      [number, number],
      [number, number],
      [number, number],
    ];
    expect(third - second).toBeCloseTo(second - first, 0);
    // Means .5, .6 and .8: the second step is twice the first.
    expect(middle - high).toBeCloseTo(2 * (low - middle), 0);
  });

  it('marks every seed, the untrained in the shape of the base model', () => {
    expect(attributes(svg, 'rect', 'width')).toHaveLength(6);
    expect(svg.match(/<polygon /g)).toHaveLength(2);
  });

  it('keeps the names of curves that end together apart', () => {
    const [curve] = plot.curves;
    const both = curvePlot({
      ...plot,
      curves: [
        { ...curve!, label: 'one' },
        { ...curve!, label: 'two' },
      ],
    });
    const heights = ['one', 'two'].map((label) => Number(new RegExp(`y="([\\d.]+)"[^>]*>${label}<`).exec(both)?.[1]));
    expect(Math.abs((heights[0] as number) - (heights[1] as number))).toBeGreaterThanOrEqual(14);
  });
});
