import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { internalsOf } from '../gpu/backendInternals';
import { webGpuBackend } from '../gpu/kernel';
import { testQuads } from '../gpu/quad';
import { expectAgreement, gaussian, hostArray, results } from './backendAgreement';
import { preferVariant } from './kernelVariants';
import './linear.webgpu';
import './matrixProduct.webgpu';
import { mlp } from './mlp';
import './mlp.webgpu';

type Tensors = Record<'x' | 'w1' | 'b1' | 'w2' | 'b2' | 'residual' | 'dy', tf.Tensor>;

const block = (x: tf.Tensor, w1: tf.Tensor, b1: tf.Tensor, w2: tf.Tensor, b2: tf.Tensor, r: tf.Tensor): tf.Tensor =>
  mlp(x as tf.Tensor2D, w1 as tf.Tensor2D, b1 as tf.Tensor1D, w2 as tf.Tensor2D, b2 as tf.Tensor1D, r as tf.Tensor2D);

describe.each(['quad', 'plain'] as const)('mlp on WebGPU, %s', (variant) => {
  beforeAll(async () => {
    const { gpu } = await startDevice('webgpu');
    await testQuads(gpu!);
    preferVariant(variant);
    return () => preferVariant('auto');
  });

  const inputs = (m: number, c: number, f: number) => ({
    x: gaussian([m, c], 1),
    w1: gaussian([c, f], 2, 1 / Math.sqrt(c)),
    b1: gaussian([f], 3),
    w2: gaussian([f, c], 4, 1 / Math.sqrt(f)),
    b2: gaussian([c], 5),
    residual: gaussian([m, c], 6),
    dy: gaussian([m, c], 7),
  });

  it.each([
    [1, 1, 1],
    [1, 64, 256],
    [63, 65, 63],
    [64, 63, 252],
    [65, 64, 256],
    [130, 20, 80],
  ])('agrees with the reference and its six gradients, x [%i, %i], F = %i', async (m, c, f) => {
    await expectAgreement(
      (t) => {
        const { x, w1, b1, w2, b2, residual, dy } = t as Tensors;
        const of = [x, w1, b1, w2, b2, residual];
        return [
          block(x, w1, b1, w2, b2, residual),
          ...tf.grads((...[a, b, d, e, g, h]) => block(a!, b!, d!, e!, g!, h!))(of, dy),
        ];
      },
      inputs(m, c, f),
      // Sums over M rows of N(0, 1) numbers.
      3e-5,
    );
  });

  it('is the identity, or 0, far from 0, with finite slopes', async () => {
    const x = [-1e30, -100, -20, 20, 100, 1e30];
    const [y, slope] = await results(
      'webgpu',
      ({ x: v, one, zero, zeros }) => {
        const through = (u: tf.Tensor): tf.Tensor => block(u, one!, zero!, one!, zero!, zeros!);
        return [through(v!), tf.grad(through)(v!)];
      },
      {
        x: hostArray([6, 1], x),
        one: hostArray([1, 1], [1]),
        zero: hostArray([1], [0]),
        zeros: hostArray([6, 1], [0, 0, 0, 0, 0, 0]),
      },
    );
    expect(Array.from(y!.values, (v) => v + 0)).toEqual(Array.from(Float32Array.from([0, 0, 0, 20, 100, 1e30])));
    expect(Array.from(slope!.values, (v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it('is two dispatches forward and four back', async () => {
    expect(await tf.setBackend('webgpu')).toBe(true);
    const { x, w1, b1, w2, b2, residual, dy } = Object.fromEntries(
      Object.entries(inputs(64, 64, 256)).map(([name, { values, shape }]) => [name, tf.tensor(values, shape)]),
    ) as Tensors;
    const stream = internalsOf(webGpuBackend('test'));
    await residual.data();
    const dispatches = stream.dispatchCountInPass;
    const gradients = tf.grads((...[a, b, d, e, g, h]) => block(a!, b!, d!, e!, g!, h!))(
      [x, w1, b1, w2, b2, residual],
      dy,
    );
    expect(stream.dispatchCountInPass - dispatches).toBe(6);
    tf.dispose(gradients);
  });
});
