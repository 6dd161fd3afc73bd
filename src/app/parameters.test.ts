import { describe, expect, it } from 'vitest';
import { readParameters } from './parameters';

describe('readParameters', () => {
  it('reads every parameter of the autopilot', () => {
    const text = '?autopilot=1&preset=nano&seed=0&backend=wasm&rankings=40&prompts=12';
    expect(readParameters(text)).toEqual({
      preset: 'nano',
      backend: 'wasm',
      seed: 0,
      autopilot: true,
      rankings: 40,
      prompts: 12,
    });
  });

  it('takes what it does not understand as not given', () => {
    const text = '?preset=constructor&backend=abacus&seed=-3&rankings=1e9&prompts=many&autopilot=yes';
    expect(readParameters(text)).toEqual(readParameters(''));
    expect(readParameters('')).toEqual({
      preset: 'auto',
      backend: 'auto',
      seed: null,
      autopilot: false,
      rankings: 300,
      prompts: 300,
    });
  });
});
