import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement, gaussian, hostArray, results, startBothBackends } from './backendAgreement';
import { clippedValueLoss, type ValueLossInputs } from './valueLoss';
import './valueLoss.webgpu';

const SIZES = [
  [1, 1],
  [3, 21],
  [1, 255],
  [16, 16],
  [1, 257],
  [17, 61],
  [32, 96],
] as const;

/** The later rows are shorter. */
const inputs = (rows: number, length: number) => ({
  values: gaussian([rows, length], 1),
  oldValues: gaussian([rows, length], 2),
  returns: gaussian([rows, length], 3),
  mask: hostArray(
    [rows, length],
    Array.from({ length: rows * length }, (_, i) => Number(i % length <= length - 2 * Math.floor(i / length))),
  ),
});

/** Loss, statistics, and the gradient of a loss that goes on: dy is not 1. */
function all(t: Record<string, tf.Tensor>): tf.Tensor[] {
  const lossOf = (values: tf.Tensor) =>
    clippedValueLoss({ ...t, values } as Record<string, tf.Tensor> as unknown as ValueLossInputs, 0.5, 0.1);
  const { loss, statistics } = lossOf(t['values'] as tf.Tensor);
  return [loss, statistics, tf.grad((x) => tf.mul(lossOf(x).loss, 3))(t['values'] as tf.Tensor)];
}

describe('clippedValueLoss on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference, statistics and gradient as well, [%i, %i]', async (rows, length) => {
    await expectAgreement(all, inputs(rows, length), 1e-5);
  });

  it('has the same bits each time', async () => {
    expect(await results('webgpu', all, inputs(20, 50))).toEqual(await results('webgpu', all, inputs(20, 50)));
  });

  it('says so where a value is not a number', async () => {
    const broken = inputs(4, 9);
    broken.values.values[2] = NaN;
    const [loss, statistics] = await results('webgpu', all, broken);
    expect(loss!.values[0]).toBeNaN();
    expect(statistics!.values[0]).toBeNaN();
  });
});
