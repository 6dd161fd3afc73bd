import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { HOST_BACKENDS } from './plainAgreement';
import { takeRows } from './takeRows';

describe.each(HOST_BACKENDS)('takeRows on %s', (backend) => {
  it('takes the same rows of each plane, in the order asked for, some twice and some never', async () => {
    await startDevice(backend);
    const taken = tf.tidy(() => {
      const planes = tf.tensor3d(
        Float32Array.from({ length: 4 * 5 * 3 }, (_, i) => i),
        [4, 5, 3],
      );
      return takeRows(planes, tf.tensor1d([4, 0, 4], 'int32')).map((rows) => rows.arraySync());
    });
    const row = (plane: number, index: number): number[] => [0, 1, 2].map((r) => (plane * 5 + index) * 3 + r);
    expect(taken).toEqual([0, 1, 2, 3].map((plane) => [row(plane, 4), row(plane, 0), row(plane, 4)]));
  });
});
