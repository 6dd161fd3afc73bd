import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian } from './backendAgreement';
import { gelu } from './gelu';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

/** GPT-2's words for it: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))). */
const plainGelu = (x: tf.Tensor): tf.Tensor => {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
};

describe.each(HOST_BACKENDS)('gelu on %s', (backend) => {
  it('is the tanh form, and so is its gradient', () =>
    expectPlainAgreement(
      backend,
      ({ x }) => gelu(x as tf.Tensor),
      ({ x }) => plainGelu(x as tf.Tensor),
      { x: gaussian([7, 33], 1, 2) },
      ['x'],
    ));

  it('lets large numbers through, stops very negative ones, and neither overflows', async () => {
    await startDevice(backend);
    const [value, gradient] = tf.tidy(() => {
      const x = tf.tensor1d([-1e4, -40, 0, 40, 1e4]);
      return [
        gelu(x).arraySync(),
        tf
          .grad((y) => gelu(y))(x)
          .arraySync(),
      ];
    });
    expect(value).toEqual([-0, -0, 0, 40, 1e4]);
    expect(gradient).toEqual([-0, -0, 0.5, 1, 1].map((slope) => expect.closeTo(slope, 6) as number));
  });
});
