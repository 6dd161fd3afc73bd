import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, integers, results, startBothBackends } from './backendAgreement';
import { tokenLogProb } from './tokenLogProb';
import './tokenLogProb.webgpu';

const SIZES = [
  [1, 2, 1],
  [1, 63, 1],
  [65, 64, 0.7],
  [33, 513, 1],
  [63, 1024, 1.3],
  [7, 4, 0.3],
  [9, 2052, 1],
  [65, 8192, 0.9],
  [3, 8193, 1.2],
] as const;

describe('tokenLogProb on WebGPU', () => {
  beforeAll(startBothBackends);

  const inputs = (m: number, v: number) => ({
    logits: gaussian([m, v], 1, 4),
    targets: integers([m], v, 2),
    dLogProb: gaussian([m], 3),
    dEntropy: gaussian([m], 4),
  });

  it.each(SIZES)('agrees with the reference, [%i, %i] at temperature %f', async (m, v, temperature) => {
    await expectAgreement(
      (t) => {
        const { logProb, entropy } = tokenLogProb(t['logits'] as tf.Tensor2D, t['targets'] as tf.Tensor1D, temperature);
        return [logProb, entropy];
      },
      inputs(m, v),
      1e-5,
    );
  });

  it.each(SIZES)(
    'has the reference gradient of log-prob and entropy together, [%i, %i] at temperature %f',
    async (m, v, temperature) => {
      await expectAgreement(
        (t) => {
          const { logits, targets, dLogProb, dEntropy } = t as {
            logits: tf.Tensor2D;
            targets: tf.Tensor1D;
            dLogProb: tf.Tensor1D;
            dEntropy: tf.Tensor1D;
          };
          const loss = (x: tf.Tensor): tf.Tensor => {
            const { logProb, entropy } = tokenLogProb(x as tf.Tensor2D, targets, temperature);
            return tf.sum(tf.add(tf.mul(logProb, dLogProb), tf.mul(entropy, dEntropy)));
          };
          return [tf.grad(loss)(logits)];
        },
        inputs(m, v),
        1e-5,
      );
    },
  );

  it('is finite where a row is shared and one token of it is certain', async () => {
    const v = 8192;
    const logits = new Float32Array(2 * v).fill(-1e4);
    logits[v - 1] = 1e4;
    logits.fill(500, v);
    const [logProb, entropy] = await results(
      'webgpu',
      (t) => {
        const both = tokenLogProb(t['logits'] as tf.Tensor2D, t['targets'] as tf.Tensor1D);
        return [both.logProb, both.entropy];
      },
      { logits: { shape: [2, v], dtype: 'float32', values: logits }, targets: hostArray([2], [v - 1, 7], 'int32') },
    );
    expect(Array.from(logProb!.values)).toEqual([0, expect.closeTo(-Math.log(v), 5)]);
    expect(Array.from(entropy!.values)).toEqual([0, expect.closeTo(Math.log(v), 5)]);
  });

  it('is finite where logits are large and one token is certain', async () => {
    const [logProb, entropy] = await results(
      'webgpu',
      (t) => {
        const both = tokenLogProb(t['logits'] as tf.Tensor2D, t['targets'] as tf.Tensor1D);
        return [both.logProb, both.entropy];
      },
      { logits: hostArray([2, 3], [1e4, 0, -1e4, 500, 500, -500]), targets: hostArray([2], [0, 1], 'int32') },
    );
    expect(Array.from(logProb!.values)).toEqual([0, expect.closeTo(-Math.LN2, 6)]);
    expect(Array.from(entropy!.values)).toEqual([0, expect.closeTo(Math.LN2, 6)]);
  });
});
