import { describe, expect, it } from 'vitest';
import { chance, duration, figure, magnitude, percent, plural, signed } from './numbers';

describe('numbers as the page writes them', () => {
  it('have a real minus sign and a dash for nothing', () => {
    expect(figure(-0.204)).toBe('−0.20');
    expect(figure(null)).toBe('–');
    expect(figure(Number.NaN)).toBe('–');
    expect(figure(1234.5)).toBe('1235');
  });

  it('do not round a small number to zero', () => {
    expect(figure(0.0016)).toBe('1.6e−3');
    expect(figure(0)).toBe('0.00');
  });

  it('give scores their sign', () => {
    expect([signed(0.81), signed(-0.2), signed(undefined)]).toEqual(['+0.81', '−0.20', '–']);
  });

  it('write chances without a leading zero, and never .00 for a certainty', () => {
    expect([chance(0.412), chance(0.999), chance(0)]).toEqual(['.41', '1.0', '.00']);
  });

  it('say times in the unit in which people think', () => {
    expect([duration(0.42), duration(11.2), duration(185), duration(7500)]).toEqual([
      '0.4 s',
      '11 s',
      '3 min',
      '2 h 5 min',
    ]);
  });

  it('count in words that fit', () => {
    expect([plural(1, 'ranking'), plural(2312, 'pair')]).toEqual(['1 ranking', '2,312 pairs']);
    expect([magnitude(838784), magnitude(4096)]).toEqual(['0.84M', '4,096']);
    expect(percent(0.853)).toBe('85%');
  });
});
