import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian } from './backendAgreement';
import { plainGelu, plainGeluSlope } from './gelu';
import { HOST_BACKENDS } from './plainAgreement';

/** GPT-2's words for it: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))). */
const asWritten = (x: tf.Tensor): tf.Tensor => {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
};

describe.each(HOST_BACKENDS)('gelu on %s', (backend) => {
  it('is the tanh form, and the slope is its derivative', async () => {
    await startDevice(backend);
    const { values, shape } = gaussian([7, 33], 1, 2);
    const apart = tf.tidy(() => {
      const x = tf.tensor(values, shape);
      return [tf.sub(plainGelu(x), asWritten(x)), tf.sub(plainGeluSlope(x), tf.grad(asWritten)(x))].map(
        (difference) => tf.max(tf.abs(difference)).arraySync() as number,
      );
    });
    expect(apart[0]).toBeLessThan(2e-6);
    expect(apart[1]).toBeLessThan(5e-6);
  });

  it('lets large numbers through, stops very negative ones, and neither overflows', async () => {
    await startDevice(backend);
    const [value, slope] = tf.tidy(() => {
      const x = tf.tensor1d([-1e4, -40, 0, 40, 1e4]);
      return [plainGelu(x).arraySync(), plainGeluSlope(x).arraySync()];
    });
    expect(value).toEqual([-0, -0, 0, 40, 1e4]);
    expect(slope).toEqual([-0, -0, 0.5, 1, 1].map((s) => expect.closeTo(s, 6) as number));
  });
});
