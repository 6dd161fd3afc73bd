import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../errors';
import { startDevice } from '../gpu/device';
import { gaussian } from './backendAgreement';
import { mlp } from './mlp';
import { expectPlainAgreement, HOST_BACKENDS } from './plainAgreement';

const [M, C, F] = [7, 5, 12];

type Tensors = Record<string, tf.Tensor>;

const ours = ({ x, w1, b1, w2, b2, residual }: Tensors): tf.Tensor =>
  mlp(
    x as tf.Tensor2D,
    w1 as tf.Tensor2D,
    b1 as tf.Tensor1D,
    w2 as tf.Tensor2D,
    b2 as tf.Tensor1D,
    residual as tf.Tensor2D,
  );

/** residual + gelu(x W1 + b1) W2 + b2, with GPT-2's own formula of gelu. */
const plain = ({ x, w1, b1, w2, b2, residual }: Tensors): tf.Tensor => {
  const pre = tf.add(tf.matMul(x as tf.Tensor2D, w1 as tf.Tensor2D), b1 as tf.Tensor1D);
  const u = tf.mul(Math.sqrt(2 / Math.PI), tf.add(pre, tf.mul(0.044715, tf.pow(pre, 3))));
  const inner = tf.mul(tf.mul(0.5, pre), tf.add(1, tf.tanh(u)));
  return tf.add(tf.add(tf.matMul(inner as tf.Tensor2D, w2 as tf.Tensor2D), b2 as tf.Tensor1D), residual as tf.Tensor);
};

const inputs = {
  x: gaussian([M, C], 1),
  w1: gaussian([C, F], 2),
  b1: gaussian([F], 3),
  w2: gaussian([F, C], 4),
  b2: gaussian([C], 5),
  residual: gaussian([M, C], 6),
};

describe.each(HOST_BACKENDS)('mlp on %s', (backend) => {
  it('and its six gradients are those of the formula', () =>
    expectPlainAgreement(backend, ours, plain, inputs, Object.keys(inputs)));

  it('keeps nothing where nothing is differentiated', async () => {
    await startDevice(backend);
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, { values, shape }]) => [name, tf.tensor(values, shape)]),
    );
    const before = tf.memory().numTensors;
    const y = ours(tensors);
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.dispose([y, ...Object.values(tensors)]);
  });

  it('refuses weights that do not fit', async () => {
    await startDevice(backend);
    tf.tidy(() => {
      const [x, b] = [tf.zeros<tf.Rank.R2>([2, 3]), tf.zeros<tf.Rank.R1>([3])];
      expect(() => mlp(x, tf.zeros([3, 4]), tf.zeros([4]), tf.zeros([5, 3]), b, x)).toThrow(ShapeError);
    });
  });
});
