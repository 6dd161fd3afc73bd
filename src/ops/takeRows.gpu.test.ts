import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { expectAgreement, gaussian, integers, startBothBackends } from './backendAgreement';
import { takeRows } from './takeRows';
import './takeRows.webgpu';

/** B, R, M. */
const SIZES = [
  [1, 1, 1],
  [2, 63, 5],
  [64, 65, 64],
  [300, 7, 129],
] as const;

describe('takeRows on WebGPU', () => {
  beforeAll(startBothBackends);

  it.each(SIZES)('agrees with the reference to the bit: B = %i, R = %i, M = %i', async (rows, length, chosen) => {
    await expectAgreement(
      ({ planes, chosen: which }) => takeRows(planes as tf.Tensor3D, which as tf.Tensor1D),
      { planes: gaussian([4, rows, length], 1), chosen: integers([chosen], rows, 2) },
      0,
    );
  });
});
