import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, integers, results, startBothBackends } from './backendAgreement';
import { embedding, tiedEmbedding } from './embedding';
import './embedding.webgpu';

/** Batch, length, width, vocabulary, context, offset, first real position of each row. */
const CASES: [number, number, number, number, number, number, number[]][] = [
  [1, 1, 1, 1, 1, 0, [0]],
  [2, 7, 6, 5, 9, 0, [0, 3]],
  [3, 65, 63, 130, 65, 0, [0, 64, 10]],
  [16, 64, 64, 512, 96, 0, Array.from({ length: 16 }, (_, b) => b)],
  [4, 1, 64, 33, 40, 21, [0, 5, 20, 21]],
];

const embed = (t: Record<string, tf.Tensor>, offset: number): tf.Tensor3D =>
  embedding(
    t['ids'] as tf.Tensor2D,
    t['start'] as tf.Tensor1D,
    t['wte'] as tf.Tensor2D,
    t['wpe'] as tf.Tensor2D,
    offset,
  );

describe('embedding on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(CASES)(
    'agrees with the reference and its gradient, B = %i, T = %i, C = %i, V = %i, N = %i, offset %i, start = %j',
    async (b, t, c, v, n, offset, start) => {
      await expectAgreement(
        (tensors) => {
          const { wte, wpe, dy } = tensors as Record<'wte' | 'wpe' | 'dy', tf.Tensor>;
          const gradients = tf.grads((...[e, p]) =>
            embed({ ...tensors, wte: e as tf.Tensor, wpe: p as tf.Tensor }, offset),
          )([wte, wpe], dy);
          return [embed(tensors, offset), ...gradients];
        },
        {
          ids: integers([b, t], v, 1),
          start: hostArray([b], start, 'int32'),
          wte: gaussian([v, c], 2),
          wpe: gaussian([n, c], 3),
          dy: gaussian([b, t, c], 4),
        },
        2e-5,
      );
    },
  );

  it.each(CASES.filter(([, , , , , offset]) => offset === 0))(
    'adds its gradient to the one of a tied head, B = %i, T = %i, C = %i, V = %i, N = %i, offset %i, start = %j',
    async (b, t, c, v, n, _offset, start) => {
      await expectAgreement(
        (tensors) =>
          tf.grads((...[e, p]) => {
            const { x, wte } = tiedEmbedding(
              tensors['ids'] as tf.Tensor2D,
              tensors['start'] as tf.Tensor1D,
              e as tf.Tensor2D,
              p as tf.Tensor2D,
            );
            return tf.concat([tf.reshape(x, [-1]), tf.reshape(tf.tanh(wte), [-1])]);
          })([tensors['wte'], tensors['wpe']] as tf.Tensor[], tensors['dy']),
        {
          ids: integers([b, t], v, 1),
          start: hostArray([b], start, 'int32'),
          wte: gaussian([v, c], 2),
          wpe: gaussian([n, c], 3),
          dy: gaussian([(b * t + v) * c], 4),
        },
        2e-5,
      );
    },
  );

  it('leaves a gradient alone that others hold too, and does not take the passed weights for others', async () => {
    const inputs = { ids: integers([2, 5], 7, 1), wte: gaussian([7, 6], 2), wpe: gaussian([5, 6], 3) };
    await expectAgreement(
      (t) => {
        const start = tf.tensor1d([0, 0], 'int32');
        const { value, grads } = tf.valueAndGrads((...[e, p, other]) => {
          const { x, wte } = tiedEmbedding(t['ids'] as tf.Tensor2D, start, e as tf.Tensor2D, p as tf.Tensor2D);
          // The gradient of this sum goes to both sides in one piece of memory.
          return tf.add(tf.sum(tf.mul(x, x)), tf.sum(tf.square(tf.add(wte, other as tf.Tensor))));
        })([t['wte'], t['wpe'], tf.ones([7, 6])] as tf.Tensor[]);
        return [value, ...grads];
      },
      inputs,
      1e-4,
    );
  });

  it('takes the position of column 0 from a tensor as from a number', async () => {
    const inputs = { ids: integers([3, 1], 33, 1), wte: gaussian([33, 10], 2), wpe: gaussian([40, 10], 3) };
    const run = (offset: () => number | tf.Tensor1D) => (t: Record<string, tf.Tensor>) => [
      embedding(
        t['ids'] as tf.Tensor2D,
        tf.tensor1d([0, 5, 30], 'int32'),
        t['wte'] as tf.Tensor2D,
        t['wpe'] as tf.Tensor2D,
        offset(),
      ),
    ];
    const tensor = run(() => tf.tensor1d([21], 'int32'));
    await expectAgreement(tensor, inputs, 0);
    expect(await results('webgpu', tensor, inputs)).toEqual(
      await results(
        'webgpu',
        run(() => 21),
        inputs,
      ),
    );
  });

  it('has the same bits of gradient each time, however often a token occurs', async () => {
    const inputs = {
      ids: hostArray(
        [2, 50],
        Array.from({ length: 100 }, (_, i) => (i % 3 ? 7 : 2)),
        'int32',
      ),
      start: hostArray([2], [0, 4], 'int32'),
      wte: gaussian([9, 20], 2),
      wpe: gaussian([50, 20], 3),
      dy: gaussian([2, 50, 20], 4),
    };
    const run = (t: Record<string, tf.Tensor>): tf.Tensor[] =>
      tf.grads((...[e, p]) => embed({ ...t, wte: e as tf.Tensor, wpe: p as tf.Tensor }, 0))(
        [t['wte'], t['wpe']] as tf.Tensor[],
        t['dy'],
      );
    expect(await results('webgpu', run, inputs)).toEqual(await results('webgpu', run, inputs));
    await expectAgreement(run, inputs, 3e-5);
  });
});
