import { afterEach, describe, expect, it } from 'vitest';
import { tapeGeneration } from '../gpu/tapeGeneration';
import {
  chooseVariant,
  declareVariants,
  forgetChoices,
  kernelsVersion,
  onTrialOf,
  refuseVariant,
  variantsOf,
} from './kernelVariants';
import { applyOutcome, measurableShapes, measure } from './tuner';
import type { Contestant } from './variantContest';

const KERNEL = 'fake kernel';
const AT = { kernel: KERNEL, shape: '2 x 2' };
const GPU = {} as GPUDevice;
const BY_RULE = { name: 'by rule', quads: false };
const OTHER = { name: 'other', quads: false };
const THIRD = { name: 'third', quads: false };
const trialOf = (): never => {
  throw new Error('Nothing runs here.');
};
const choose = declareVariants(KERNEL, [BY_RULE, OTHER, THIRD], { source: 'text', trialOf });
const taken = (shape = AT.shape): string => choose(GPU, shape, [BY_RULE, OTHER, THIRD]).name;

/** A variant that takes so many milliseconds a run, and what happens to be in the way of the device. */
const takes = (variant: string, ms: number, difference = 0, noise = () => 1): Contestant => ({
  variant,
  difference,
  time: (repeats) => Promise.resolve(repeats * ms * noise()),
});
const between = (
  contestants: Contestant[],
  signal = new AbortController().signal,
  dispose: () => void = () => undefined,
): ReturnType<typeof measure> => measure(AT, signal, () => Promise.resolve({ flops: 4e6, contestants, dispose }));

describe('measuring the variants of a kernel', () => {
  afterEach(() => forgetChoices());

  it('chooses the fastest, and says how fast it is', async () => {
    const outcome = await between([takes('by rule', 2), takes('other', 1), takes('third', 1.5)]);
    expect(outcome).toEqual({ choice: { ...AT, variant: 'other', ms: 1, gflops: 4 }, refusals: [] });
    expect(taken()).toBe('by rule');
    applyOutcome(outcome!);
    expect(taken()).toBe('other');
    expect(taken('3 x 3')).toBe('by rule');
  });

  it('times those that take no time many times over, and sees their difference', async () => {
    const outcome = await between([takes('by rule', 0.004), takes('other', 0.003)]);
    expect(outcome?.choice?.variant).toBe('other');
  });

  it('leaves it at the rule of the kernel where nothing is clearly faster', async () => {
    const outcome = await between([takes('by rule', 1), takes('other', 0.98)]);
    expect(outcome?.choice?.variant).toBe('by rule');
  });

  it('is not misled by a device that is busy now and then', async () => {
    let turn = 0;
    // Twice as slow in one round, for all: rounds are compared, not times of different rounds.
    const busy = (): number => (Math.floor(turn++ / 2) % 2 === 0 ? 2 : 1);
    const outcome = await between([takes('by rule', 8, 0, busy), takes('other', 7, 0, busy)]);
    expect(outcome?.choice?.variant).toBe('other');
  });

  it.each([1e-3, Infinity, NaN])('refuses a variant that is off by %d, and then takes it for no shape', async (off) => {
    const outcome = await between([takes('by rule', 2), takes('other', 0.1, off), takes('third', 1)]);
    expect(outcome?.refusals).toEqual([{ ...AT, variant: 'other', difference: off }]);
    expect(outcome?.choice?.variant).toBe('third');
    applyOutcome(outcome!);
    chooseVariant(KERNEL, '3 x 3', 'other');
    expect([taken(), taken('3 x 3')]).toEqual(['third', 'by rule']);
    expect(variantsOf(KERNEL, GPU)).toEqual(['by rule', 'third']);
  });

  it('holds a variant to the tolerance that it names itself', async () => {
    const half = { ...takes('other', 1, 5e-4), tolerance: 1e-3 };
    expect((await between([takes('by rule', 2), half]))?.choice?.variant).toBe('other');
    const outcome = await between([takes('by rule', 2), { ...half, difference: 2e-3 }]);
    expect(outcome?.refusals).toEqual([{ ...AT, variant: 'other', difference: 2e-3 }]);
  });

  it('ends at once and without a choice when it is interrupted, and gives its memory back', async () => {
    const abort = new AbortController();
    let passes = 0;
    let disposed = 0;
    const interrupting = (): number => (++passes === 3 ? (abort.abort(), 1) : 1);
    const contestants = [takes('by rule', 9, 0, interrupting), takes('other', 9, 0, interrupting)];
    expect(await between(contestants, abort.signal, () => void disposed++)).toBeNull();
    expect({ passes, disposed }).toEqual({ passes: 3, disposed: 1 });
  });

  it('has steps recorded anew when a choice changes what they hold, and only then', () => {
    taken();
    const before = tapeGeneration();
    chooseVariant(KERNEL, AT.shape, 'by rule');
    expect(onTrialOf(KERNEL, 'third', taken)).toBe('third');
    expect(tapeGeneration()).toBe(before);
    chooseVariant(KERNEL, AT.shape, 'other');
    expect(tapeGeneration()).toBeGreaterThan(before);
    taken();
    const then = tapeGeneration();
    chooseVariant(KERNEL, AT.shape, 'other');
    expect(tapeGeneration()).toBe(then);
    refuseVariant(KERNEL, 'other');
    expect(tapeGeneration()).toBeGreaterThan(then);
  });

  it('has a version that changes with the text of a kernel', () => {
    const before = kernelsVersion();
    declareVariants('another', [BY_RULE], { source: 'text', trialOf });
    const then = kernelsVersion();
    declareVariants('another', [BY_RULE], { source: 'other text', trialOf });
    expect(new Set([before, then, kernelsVersion()]).size).toBe(3);
    expect(kernelsVersion()).toBe(kernelsVersion());
  });

  it('needs a trial and something to choose from', () => {
    declareVariants('alone', [BY_RULE], { source: '', trialOf })(GPU, '1', [BY_RULE]);
    declareVariants('unmeasured', [BY_RULE, OTHER])(GPU, '1', [BY_RULE, OTHER]);
    expect(measurableShapes(GPU).map(({ kernel }) => kernel)).not.toContain('alone');
    expect(measurableShapes(GPU).map(({ kernel }) => kernel)).not.toContain('unmeasured');
  });
});
