import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { testQuads } from '../gpu/quad';
import {
  allowHalfPrecision,
  chooseVariant,
  declareVariants,
  forceVariant,
  halfPrecisionTaken,
  kernelsWithVariants,
  plainVariantOf,
  preferVariant,
  shapesOf,
  toleranceOf,
  variantsOf,
  variantTaken,
} from './kernelVariants';

const A_QUAD = { name: 'quad', quads: true };
const SLOW = { name: 'slow', quads: false };
const FAST = { name: 'fast', quads: false };

describe('variants of a kernel', () => {
  const choose = declareVariants('test kernel', [A_QUAD, SLOW, FAST]);
  let device: GPUDevice;
  let bare: GPUDevice;
  let quads: boolean;

  beforeAll(async () => {
    device = (await startDevice('webgpu')).gpu!;
    quads = await testQuads(device);
    const adapter = await navigator.gpu.requestAdapter();
    bare = await adapter!.requestDevice();
    await testQuads(bare);
  });
  afterEach(() => {
    preferVariant('auto');
    forceVariant('test kernel', null);
    chooseVariant('test kernel', 'wide', null);
  });

  const named = (on = device, order = [A_QUAD, SLOW, FAST] as const): string => choose(on, 'wide', order).name;

  it('are listed by kernel and by what the device can run, with the shapes that were asked for', () => {
    named();
    expect(kernelsWithVariants()).toContain('test kernel');
    expect(variantsOf('test kernel', device)).toEqual(quads ? ['quad', 'slow', 'fast'] : ['slow', 'fast']);
    expect(variantsOf('test kernel', bare)).toEqual(['slow', 'fast']);
    expect(shapesOf('test kernel')).toEqual(['wide']);
    expect(() => variantsOf('no kernel', device)).toThrow(/test kernel/);
  });

  it('run in the order of the kernel, without those that the device lacks', () => {
    expect(named()).toBe(quads ? 'quad' : 'slow');
    expect(named(bare)).toBe('slow');
  });

  it('are taken as chosen for the shape, and for no other shape', () => {
    chooseVariant('test kernel', 'wide', 'fast');
    expect(named()).toBe('fast');
    expect(choose(bare, 'narrow', [A_QUAD, SLOW, FAST]).name).toBe('slow');
  });

  it('give way to a preference, which gives way to a forced one', () => {
    chooseVariant('test kernel', 'wide', 'fast');
    preferVariant('plain');
    expect(named()).toBe('slow');
    preferVariant('quad');
    expect(named()).toBe(quads ? 'quad' : 'slow');
    forceVariant('test kernel', 'fast');
    expect(named()).toBe('fast');
  });

  it('never run quads on a device without them, even if forced', () => {
    forceVariant('test kernel', 'quad');
    expect(named(bare)).toBe('slow');
  });

  describe('in float16 or with barriers', () => {
    const HALF = { name: 'half', quads: false, half: true, tolerance: 1e-3 };
    const BARRIERS = { name: 'barriers', quads: false, barriers: true };
    const ORDER = [HALF, BARRIERS, SLOW] as const;
    const chooseOther = declareVariants('other kernel', ORDER);
    const gpu = (feature: string, isFallbackAdapter = false): GPUDevice =>
      // All that is asked of it.
      ({ features: new Set([feature]), adapterInfo: { isFallbackAdapter } }) as unknown as GPUDevice;
    const takenOn = (on: GPUDevice): string => chooseOther(on, 'wide', ORDER).name;
    afterEach(() => {
      allowHalfPrecision(false);
      forceVariant('other kernel', null);
      chooseVariant('other kernel', 'wide', null);
    });

    it('run in float16 only where it is allowed and the device has it, even if chosen or forced', () => {
      chooseVariant('other kernel', 'wide', 'half');
      forceVariant('other kernel', 'half');
      expect(takenOn(gpu('shader-f16'))).toBe('barriers');
      allowHalfPrecision(true);
      expect(takenOn(gpu('subgroups'))).toBe('barriers');
      expect(halfPrecisionTaken()).toBe(false);
      expect(takenOn(gpu('shader-f16'))).toBe('half');
      expect([variantTaken('other kernel', 'wide'), halfPrecisionTaken()]).toEqual(['half', true]);
      expect(variantsOf('other kernel', gpu('shader-f16'))).toEqual(['half', 'barriers', 'slow']);
      allowHalfPrecision(false);
      expect(variantsOf('other kernel', gpu('shader-f16'))).toEqual(['barriers', 'slow']);
    });

    it('are not what others are compared with, and say themselves how exact they are', () => {
      takenOn(gpu('shader-f16'));
      expect(plainVariantOf('other kernel', 'wide')).toBe('slow');
      expect([toleranceOf('other kernel', 'half'), toleranceOf('other kernel', 'slow')]).toEqual([1e-3, undefined]);
    });

    it('wait at no barrier on a software GPU unless they are forced', () => {
      chooseVariant('other kernel', 'wide', 'barriers');
      expect(takenOn(gpu('', true))).toBe('slow');
      expect(variantsOf('other kernel', gpu('', true))).toEqual(['slow']);
      forceVariant('other kernel', 'barriers');
      expect(takenOn(gpu('', true))).toBe('barriers');
    });
  });
});
