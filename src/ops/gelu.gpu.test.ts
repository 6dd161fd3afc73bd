import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, results, startBothBackends } from './backendAgreement';
import { gelu } from './gelu';
import './gelu.webgpu';

describe('gelu on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each([[[1]], [[63]], [[65]], [[511, 3]], [[7, 513]]])(
    'agrees with the reference and its gradient, %j',
    async (dimensions) => {
      await expectAgreement(
        (t) => {
          const { x, dy } = t as Record<'x' | 'dy', tf.Tensor>;
          return [gelu(x), tf.grad((v) => gelu(v))(x, dy)];
        },
        { x: gaussian(dimensions, 1, 2), dy: gaussian(dimensions, 2) },
        1e-5,
      );
    },
  );

  it('is the identity, or 0, far from 0, with finite slopes', async () => {
    const x = [-1e30, -100, -20, 20, 100, 1e30];
    const [y, slope] = await results(
      'webgpu',
      ({ x: v }) => [gelu(v as tf.Tensor), tf.grad((u) => gelu(u))(v as tf.Tensor)],
      {
        x: hostArray([6], x),
      },
    );
    expect(Array.from(y!.values, (v) => v + 0)).toEqual(Array.from(Float32Array.from([0, 0, 0, 20, 100, 1e30])));
    expect(Array.from(slope!.values, (v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([0, 0, 0, 1, 1, 1]);
  });
});
