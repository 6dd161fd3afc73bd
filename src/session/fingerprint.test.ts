import { describe, expect, it } from 'vitest';
import { fingerprintOf } from './fingerprint';
import type { HostWeights } from './models';

const weights = (entries: Record<string, number[]>): HostWeights =>
  new Map(
    Object.entries(entries).map(([name, values]) => [
      name,
      { shape: [values.length], values: new Float32Array(values) },
    ]),
  );

describe('a fingerprint of weights', () => {
  const names = ['transformer.a', 'b'];
  const one = weights({ 'transformer.a': [1, 2], b: [3] });

  it('is the same for the same numbers, whatever else their file holds and in whatever order', () => {
    expect(fingerprintOf(one, names)).toMatch(/^[0-9a-f]{8}$/);
    expect(fingerprintOf(weights({ 'b.adam_m': [9], b: [3], a: [1, 2] }), names)).toBe(fingerprintOf(one, names));
  });

  it('is another when a single number differs in its last bit, or two change places', () => {
    const different = [
      weights({ 'transformer.a': [1, 2.0000002384185791], b: [3] }),
      weights({ 'transformer.a': [2, 1], b: [3] }),
      weights({ 'transformer.a': [1, 2], b: [-3] }),
    ];
    const all = new Set([one, ...different].map((each) => fingerprintOf(each, names)));
    expect(all.size).toBe(4);
  });
});
