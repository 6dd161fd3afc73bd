import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gaussian } from './backendAgreement';
import { pairLoss } from './pairLoss';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

describe.each(HOST_BACKENDS)('pairLoss on %s', (backend) => {
  it.each([
    { rankings: 1, replies: 2, margin: 0, centreCoef: 0 },
    { rankings: 3, replies: 5, margin: 0, centreCoef: 0 },
    { rankings: 3, replies: 5, margin: 0.5, centreCoef: 0.1 },
  ])(
    'is the weighted sum over all pairs: [$rankings, $replies], margin $margin, centreCoef $centreCoef',
    ({ rankings, replies, margin, centreCoef }) =>
      expectPlainAgreement(
        backend,
        (t) => pairLoss(t['rewards'] as tf.Tensor2D, t['weights'] as tf.Tensor3D, { margin, centreCoef }),
        (t) => {
          const rewards = t['rewards'] as tf.Tensor2D;
          const [better, worse] = [tf.reshape(rewards, [-1, replies, 1]), tf.reshape(rewards, [-1, 1, replies])];
          const won = tf.sigmoid(tf.sub(tf.sub(better, worse), margin));
          const centred = tf.mul(centreCoef, tf.square(tf.add(better, worse)));
          const losses = tf.sub(centred, tf.log(won));
          return tf.div(tf.sum(tf.mul(losses, t['weights'] as tf.Tensor)), rankings);
        },
        { rewards: gaussian([rankings, replies], 1), weights: gaussian([rankings, replies, replies], 2) },
        ['rewards'],
      ),
  );
});
