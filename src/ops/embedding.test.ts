import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gaussian, hostArray } from './backendAgreement';
import { embedding, tiedEmbedding } from './embedding';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

const [VOCABULARY, CONTEXT, WIDTH] = [11, 9, 6];

/** Both tables as products with one-hot rows, position max(offset + t - start, 0). */
function plainEmbedding(t: Record<string, tf.Tensor>, offset: number): tf.Tensor {
  const [ids, start] = [t['ids'] as tf.Tensor2D, t['start'] as tf.Tensor1D];
  const [batch, length] = ids.shape;
  const columns = tf.add(tf.range(0, length), offset);
  const positions = tf.relu(tf.sub(columns, tf.reshape(tf.cast(start, 'float32'), [batch, 1])));
  const rowsOf = (table: tf.Tensor, indices: tf.Tensor, size: number): tf.Tensor =>
    tf.matMul(tf.cast(tf.oneHot(tf.cast(tf.reshape(indices, [-1]), 'int32'), size), 'float32'), table as tf.Tensor2D);
  const sum = tf.add(rowsOf(t['wte'] as tf.Tensor, ids, VOCABULARY), rowsOf(t['wpe'] as tf.Tensor, positions, CONTEXT));
  return tf.reshape(sum, [batch, length, WIDTH]);
}

describe.each(HOST_BACKENDS)('embedding on %s', (backend) => {
  it.each([
    { name: 'no padding', ids: [[1, 2, 3, 2]], start: [0], offset: 0 },
    {
      name: 'repeated tokens and left padding',
      ids: [
        [0, 0, 5, 5, 5],
        [5, 1, 10, 1, 5],
        [0, 0, 0, 0, 7],
      ],
      start: [2, 0, 4],
      offset: 0,
    },
    { name: 'one token while decoding', ids: [[4], [4]], start: [0, 3], offset: 6 },
  ])('adds token and position, and sends each its gradient: $name', ({ ids, start, offset }) =>
    expectPlainAgreement(
      backend,
      (t) =>
        embedding(
          t['ids'] as tf.Tensor2D,
          t['start'] as tf.Tensor1D,
          t['wte'] as tf.Tensor2D,
          t['wpe'] as tf.Tensor2D,
          offset,
        ),
      (t) => plainEmbedding(t, offset),
      {
        ids: hostArray([ids.length, (ids[0] as number[]).length], ids.flat(), 'int32'),
        start: hostArray([start.length], start, 'int32'),
        wte: gaussian([VOCABULARY, WIDTH], 9),
        wpe: gaussian([CONTEXT, WIDTH], 10),
      },
      ['wte', 'wpe'],
    ),
  );

  it('adds its gradient to that of a head with the same weights', () => {
    const head = (x: tf.Tensor, wte: tf.Tensor): tf.Tensor =>
      tf.matMul(tf.reshape(x, [-1, WIDTH]), tf.tanh(wte) as tf.Tensor2D, false, true);
    return expectPlainAgreement(
      backend,
      (t) => {
        const { x, wte } = tiedEmbedding(
          t['ids'] as tf.Tensor2D,
          t['start'] as tf.Tensor1D,
          t['wte'] as tf.Tensor2D,
          t['wpe'] as tf.Tensor2D,
        );
        return head(x, wte);
      },
      (t) => head(plainEmbedding(t, 0), t['wte'] as tf.Tensor),
      {
        ids: hostArray([2, 3], [1, 2, 1, 5, 5, 0], 'int32'),
        start: hostArray([2], [0, 1], 'int32'),
        wte: gaussian([VOCABULARY, WIDTH], 9),
        wpe: gaussian([CONTEXT, WIDTH], 10),
      },
      ['wte', 'wpe'],
    );
  });
});
