import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, gaussian, startBothBackends } from './backendAgreement';
import { responseRows, responseRowsBeside } from './responseRows';
import './responseRows.webgpu';

/** [B, T, C] and P: one, a vec4 and a number more than what a workgroup takes, the shortest prompt and response. */
const SIZES = [
  [[1, 2, 1], 1],
  [[3, 7, 5], 1],
  [[3, 7, 5], 6],
  [[5, 33, 63], 20],
  [[4, 17, 64], 9],
  [[3, 40, 68], 7],
] as const;

const hiddenOf = (t: Record<string, tf.Tensor>): tf.Tensor3D => t['hidden'] as tf.Tensor3D;
const squares = (x: tf.Tensor): tf.Tensor => tf.sum(tf.square(x));

describe('responseRows on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('are those of the reference, and so is the gradient: %j, P = %i', async (shape, promptLength) => {
    const rows = (x: tf.Tensor): tf.Tensor => responseRows(x as tf.Tensor3D, promptLength);
    const inputs = { hidden: gaussian([...shape], 1) };
    await expectAgreement((t) => [rows(hiddenOf(t)), tf.grad((x) => squares(rows(x)))(hiddenOf(t))], inputs, 0);
  });

  it.each(SIZES)('add up both gradients where all states go on: %j, P = %i', async (shape, promptLength) => {
    const both = (x: tf.Tensor): tf.Tensor => {
      const { states, hidden } = responseRowsBeside(x as tf.Tensor3D, promptLength);
      return tf.add(squares(states), tf.mul(3, squares(hidden)));
    };
    await expectAgreement((t) => [tf.grad(both)(hiddenOf(t))], { hidden: gaussian([...shape], 2) }, 5e-6);
  });
});
