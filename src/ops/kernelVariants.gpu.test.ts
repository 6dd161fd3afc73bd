import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { testQuads } from '../gpu/quad';
import {
  chooseVariant,
  declareVariants,
  forceVariant,
  kernelsWithVariants,
  preferVariant,
  shapesOf,
  variantsOf,
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
});
