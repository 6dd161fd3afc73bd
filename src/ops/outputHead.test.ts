import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESETS } from '../config';
import { SETTINGS } from '../settingInfo';
import { gaussian, integers } from './backendAgreement';
import { headCrossEntropy, headLogProb, MAX_LOGITS_BYTES, rowsAtOnce } from './outputHead';
import { expectPlainAgreement } from './plainAgreement';
import { BLOCK_STEP } from './streamedLogProb';

const inputs = {
  hidden: gaussian([201, 6], 1),
  wte: gaussian([33, 6], 2),
  targets: integers([201], 33, 3),
  weights: gaussian([201], 4, 0.1),
};

type Tensors = Record<string, tf.Tensor>;
const operands = (t: Tensors): [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D] => [
  t['hidden'] as tf.Tensor2D,
  t['wte'] as tf.Tensor2D,
  t['targets'] as tf.Tensor1D,
];

describe('rowsAtOnce', () => {
  const sizes = [fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 300_000 })] as const;

  it('is all rows where their logits are within the limit', () =>
    fc.assert(
      fc.property(...sizes, (rows, vocabulary) => {
        expect(rowsAtOnce(rows, vocabulary, 4 * rows * vocabulary)).toBe(rows);
      }),
    ));

  it('is else a multiple of what can be bound, a quarter of the limit unless that is less than one such', () =>
    fc.assert(
      fc.property(...sizes, (rows, vocabulary) => {
        fc.pre(4 * rows * vocabulary > MAX_LOGITS_BYTES);
        const block = rowsAtOnce(rows, vocabulary);
        expect(block % BLOCK_STEP).toBe(0);
        if (block > BLOCK_STEP) expect(4 * block * vocabulary).toBeLessThanOrEqual(MAX_LOGITS_BYTES / 4);
      }),
    ));

  it('is all rows for nano and mini at the largest batch of windows that can be set', () => {
    for (const { vocabulary, context } of [PRESETS.nano, PRESETS.mini]) {
      const rows = SETTINGS.pretrain.batchSize.max * context;
      expect(rowsAtOnce(rows, vocabulary)).toBe(rows);
    }
  });
});

describe('the output head in blocks', () => {
  it('gives the cross-entropy and gradients of all logits at once', () => {
    const loss =
      (limit?: number) =>
      (t: Tensors): tf.Tensor =>
        headCrossEntropy(...operands(t), t['weights'] as tf.Tensor1D, limit);
    return expectPlainAgreement('cpu', loss(1), loss(), inputs, ['hidden', 'wte']);
  });

  it('gives the log-probs, entropies and gradients of all logits at once', () => {
    const both =
      (limit?: number) =>
      (t: Tensors): tf.Tensor => {
        const { logProb, entropy } = headLogProb(...operands(t), 0.7, limit);
        return tf.stack([logProb, entropy]);
      };
    return expectPlainAgreement('cpu', both(1), both(), inputs, ['hidden', 'wte']);
  });
});
