import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gaussian } from './backendAgreement';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';
import { replyScore, type ReplyScoreInputs } from './replyScore';

describe.each(HOST_BACKENDS)('replyScore on %s', (backend) => {
  it.each([
    { rows: 1, length: 2, responseLength: 1 },
    { rows: 5, length: 13, responseLength: 7 },
  ])(
    'is what the scalars come to, and u times the log-likelihood: $rows rows, $responseLength of $length',
    ({ rows, length, responseLength }) =>
      expectPlainAgreement(
        backend,
        (t) => replyScore(t as Record<string, tf.Tensor> as unknown as ReplyScoreInputs),
        (t) => {
          const { scalars, pooling, logProbs, mask, likelihood } = t as Record<keyof ReplyScoreInputs, tf.Tensor>;
          const pooled = tf.sum(tf.mul(scalars, pooling), 1);
          return tf.add(pooled, tf.mul(tf.sum(tf.mul(logProbs, mask), 1), likelihood));
        },
        {
          scalars: gaussian([rows, length], 1),
          pooling: gaussian([rows, length], 2),
          logProbs: gaussian([rows, responseLength], 3),
          mask: gaussian([rows, responseLength], 4),
          likelihood: gaussian([1], 5),
        },
        ['scalars', 'logProbs', 'likelihood'],
      ),
  );
});
