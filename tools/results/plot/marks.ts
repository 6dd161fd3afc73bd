/** The colours of the stages, as in the page but readable on white and on black, each with a shape of its own. */
import { element } from './svg';

export type Hue = 'base' | 'sft' | 'rewardModel' | 'policy';

export const COLOURS: Readonly<Record<Hue, string>> = {
  base: '#858a96',
  sft: '#2f7fdc',
  rewardModel: '#9b6bd6',
  policy: '#d9701a',
};

const SIZE = 4;

/** Circle, square, diamond or triangle by hue, so that no one needs to tell colours apart. */
export function mark(hue: Hue, x: number, y: number, size = SIZE): string {
  const look = { fill: COLOURS[hue], 'fill-opacity': 0.75 };
  const polygon = (points: readonly (readonly [number, number])[]): string =>
    element('polygon', { points: points.map(([dx, dy]) => `${fixed(x + dx)},${fixed(y + dy)}`).join(' '), ...look });
  switch (hue) {
    case 'policy':
      return element('circle', { cx: x, cy: y, r: size, ...look });
    case 'sft':
      return element('rect', { x: x - size, y: y - size, width: 2 * size, height: 2 * size, ...look });
    case 'base':
      return polygon([
        [0, -size * 1.3],
        [size * 1.3, 0],
        [0, size * 1.3],
        [-size * 1.3, 0],
      ]);
    case 'rewardModel':
      return polygon([
        [0, -size * 1.2],
        [size * 1.2, size],
        [-size * 1.2, size],
      ]);
  }
}

const fixed = (value: number): string => String(Math.round(value * 100) / 100);
