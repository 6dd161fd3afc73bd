import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { gaussian, hostArray, type HostArray } from './backendAgreement';
import { cachedAttention } from './cachedAttention';
import { causalAttention } from './causalAttention';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

/** softmax(q k' / sqrt D + mask) v by head, in products of [B, H, T, ...]; rows before `start` are 0. */
function plainAttention(qkv: tf.Tensor3D, start: tf.Tensor1D, heads: number): tf.Tensor {
  const [batch, length, tripled] = qkv.shape;
  const width = tripled / 3;
  const size = width / heads;
  const [q, k, v] = tf
    .split(qkv, 3, 2)
    .map((part) => tf.transpose(tf.reshape(part, [batch, length, heads, size]), [0, 2, 1, 3])) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const column = tf.range(0, length);
  const causal = tf.lessEqual(column, tf.reshape(column, [length, 1])); // [T, T]
  const real = tf.greaterEqual(column, tf.reshape(tf.cast(start, 'float32'), [batch, 1])); // [B, T]
  const seen = tf.logicalAnd(causal, tf.reshape(real, [batch, 1, 1, length])); // [B, 1, T, T]
  const scores = tf.div(tf.matMul(q, k, false, true), Math.sqrt(size));
  const weights = tf.softmax(tf.add(scores, tf.mul(tf.sub(tf.cast(seen, 'float32'), 1), 1e9)));
  const out = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [batch, length, width]);
  return tf.mul(out, tf.reshape(tf.cast(real, 'float32'), [batch, length, 1]));
}

const starts = (values: number[]): HostArray => hostArray([values.length], values, 'int32');

describe.each(HOST_BACKENDS)('causalAttention on %s', (backend) => {
  it.each([
    { name: 'one head, one token', shape: [1, 1, 12], heads: 1, start: [0] },
    { name: 'no padding', shape: [2, 9, 48], heads: 4, start: [0, 0] },
    { name: 'left-padded rows', shape: [4, 7, 24], heads: 2, start: [0, 3, 6, 1] },
  ])('and its gradient are the masked softmax: $name', ({ shape, heads, start }) =>
    expectPlainAgreement(
      backend,
      (t) => causalAttention(t['qkv'] as tf.Tensor3D, t['start'] as tf.Tensor1D, heads),
      (t) => plainAttention(t['qkv'] as tf.Tensor3D, t['start'] as tf.Tensor1D, heads),
      { qkv: gaussian(shape, 5), start: starts(start) },
      ['qkv'],
    ),
  );

  it('gives padding nothing, and takes nothing from it', async () => {
    await startDevice(backend);
    const { values, shape } = gaussian([1, 6, 12], 6);
    const disturbed = Float32Array.from(values, (value, i) => (i < 2 * 12 ? 1e3 : value));
    const [own, other] = [values, disturbed].map((numbers) =>
      tf.tidy(() =>
        causalAttention(
          tf.tensor3d(numbers, shape as [number, number, number]),
          tf.tensor1d([2], 'int32'),
          2,
        ).dataSync<'float32'>(),
      ),
    ) as [Float32Array, Float32Array];
    expect([...own.subarray(0, 2 * 4)]).toEqual(new Array(8).fill(0));
    expect([...other]).toEqual([...own]);
  });

  it('stays finite for scores far beyond the range of exp', async () => {
    await startDevice(backend);
    const { values, shape } = gaussian([1, 4, 12], 7, 100);
    const numbers = tf.tidy(() => {
      const qkv = tf.tensor3d(values, shape as [number, number, number]);
      const attend = (x: tf.Tensor): tf.Tensor => causalAttention(x as tf.Tensor3D, tf.tensor1d([0], 'int32'), 1);
      return [...attend(qkv).dataSync(), ...tf.grad(attend)(qkv).dataSync()];
    });
    expect(numbers.every(Number.isFinite)).toBe(true);
  });
});

describe.each(HOST_BACKENDS)('cachedAttention on %s', (backend) => {
  it('gives token by token what causalAttention gives at once, for rows that start at different places', async () => {
    await startDevice(backend);
    const [batch, length, width, heads] = [3, 8, 12, 3];
    const { values } = gaussian([batch, length, 3 * width], 8);
    const before = tf.memory().numTensors;
    const largest = tf.tidy(() => {
      const qkv = tf.tensor3d(values, [batch, length, 3 * width]);
      const start = tf.tensor1d([0, 2, 3], 'int32');
      const atOnce = causalAttention(qkv, start, heads);
      const cache = tf.tensor3d(new Float32Array(batch * (length + 2) * 2 * width), [batch, length + 2, 2 * width]);
      const apart = Array.from({ length }, (_, t) => {
        const token = tf.reshape<tf.Rank.R2>(tf.slice(qkv, [0, t, 0], [batch, 1, 3 * width]), [batch, 3 * width]);
        const expected = tf.reshape(tf.slice(atOnce, [0, t, 0], [batch, 1, width]), [batch, width]);
        return tf.max(tf.abs(tf.sub(cachedAttention(token, cache, start, heads, t), expected))).arraySync() as number;
      });
      const kept = tf.slice(cache, [0, 0, 0], [batch, length, 2 * width]);
      const keysAndValues = tf.slice(qkv, [0, 0, width], [batch, length, 2 * width]);
      apart.push(tf.max(tf.abs(tf.sub(kept, keysAndValues))).arraySync() as number);
      return Math.max(...apart);
    });
    expect(largest).toBeLessThan(1e-6);
    expect(tf.memory().numTensors).toBe(before);
  });
});
