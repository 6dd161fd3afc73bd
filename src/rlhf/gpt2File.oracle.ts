/** For tests alone: what a checkpoint's files hold, and the tensors that are made from them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Gpt2Config } from '../model/checkpoint';
import type { Gpt } from '../model/gpt';
import type { ScalarModel } from '../model/scalarHead';
import type { Norms } from './deviations.oracle';
import type { Nested } from './formulas.oracle';

/** As `gpt2_oracle.py` writes it. */
export interface Expected {
  input_ids: number[][];
  target_ids: number[][];
  logits: number[][][];
  loss: number;
  grad_norms: Norms;
  grads: Record<string, number[]>;
  adamw: { lr: number; betas: [number, number]; eps: number; weight_decay: number; losses: number[] };
  greedy: { prompt_ids: number[]; continuation_ids: number[] };
  ppo: {
    prompt_length: number;
    response_mask: number[][];
    temperature: number;
    kl_coef: number;
    gamma: number;
    lam: number;
    clip_range: number;
    clip_range_value: number;
    vf_coef: number;
    whiten_epsilon: number;
    value_head_weight: number[];
    value_head_bias: number;
    ref_log_probs: number[][];
    old_log_probs: number[][];
    old_values: number[][];
    scores: number[];
    expected: { [name: string]: Nested | Norms; grad_norms: Norms };
  };
  reward_model: {
    input_ids_best_to_worst: number[][];
    lengths: number[];
    head_weight: number[];
    expected: { rewards: number[]; loss: number; grad_norms: Norms };
  };
  dpo: {
    prompt_length: number;
    beta: number;
    chosen_row: number;
    rejected_row: number;
    ref_chosen_log_prob: number;
    ref_rejected_log_prob: number;
    expected: { chosen_log_prob: number; rejected_log_prob: number; loss: number; grad_norms: Norms };
  };
}

/** A checkpoint and what is expected of it. */
export interface Oracle {
  config: Gpt2Config;
  checkpoint: ArrayBuffer;
  expected: Expected;
}

export const idsTensor = (rows: number[][]): tf.Tensor2D => tf.tensor2d(rows, undefined, 'int32');
/** First real positions, [B], of rows without padding. */
export const noPadding = (rows: number[][]): tf.Tensor1D => tf.zeros([rows.length], 'int32');

/** A scalar model on the trunk itself, not on a copy; the caller disposes the head. */
export function withHead(trunk: Gpt, weight: number[], bias: number): ScalarModel {
  return {
    trunk,
    weight: tf.tidy(() => tf.variable(tf.tensor2d(weight, [weight.length, 1]))),
    bias: tf.tidy(() => tf.variable(tf.tensor1d([bias]))),
  };
}
