/** For tests alone: one whole PPO minibatch, from old log-probs to the gradients of both losses. */
import * as tf from '@tensorflow/tfjs-core';
import type { Gpt } from '../model/gpt';
import { lossGradients } from '../model/lossGradients';
import { responseLogProbs } from '../model/responseLogProbs';
import { HEAD_BIAS, HEAD_WEIGHT, scalarParameters } from '../model/scalarHead';
import { cancellingSum, type Deviation, gradientNorms, read, renamed, values } from './deviations.oracle';
import { flat, type Nested } from './formulas.oracle';
import { idsTensor, noPadding, type Oracle, withHead } from './gpt2File.oracle';
import { gae } from './gae';
import { k1 } from './kl';
import { POLICY_STATISTICS, policyLoss, totalLoss, valueLoss } from './ppoLoss';
import { shapedRewards } from './rewards';
import { stateValues } from './rollout';
import { whiten } from './whiten';

/** The value head sits on the policy's own trunk here, and one loss goes through both. */
export async function ppoMinibatch(gpt: Gpt, { expected }: Oracle): Promise<Deviation[]> {
  const { ppo, input_ids: rows } = expected;
  const promptLength = ppo.prompt_length;
  const responseLength = (rows[0] as number[]).length - promptLength;
  const responseMask = Float32Array.from(flat(ppo.response_mask));
  const [oldLogProbs, refLogProbs, oldValues] = [ppo.old_log_probs, ppo.ref_log_probs, ppo.old_values].map((rows) =>
    Float32Array.from(flat(rows)),
  ) as [Float32Array, Float32Array, Float32Array];
  const scores = Float32Array.from(ppo.scores);
  const { rewards } = shapedRewards(
    { logProbs: oldLogProbs, refLogProbs, responseMask, scores },
    responseLength,
    ppo.kl_coef,
  );
  const { advantages, returns } = gae(rewards, oldValues, responseMask, responseLength, ppo.gamma, ppo.lam);
  const whitened = whiten(advantages, responseMask);

  const model = withHead(gpt, ppo.value_head_weight, ppo.value_head_bias);
  const ids = idsTensor(rows);
  const start = noPadding(rows);
  const matrix = (from: Float32Array): tf.Tensor2D => tf.tensor2d(from, [rows.length, responseLength]);
  const mask = matrix(responseMask);
  const old = { logProbs: matrix(oldLogProbs), values: matrix(oldValues) };
  const targets = { advantages: matrix(whitened), returns: matrix(returns) };
  const kl = tf.tidy(() => k1(old.logProbs, matrix(refLogProbs), mask));
  const kept: Record<string, tf.Tensor> = {};
  const { loss, statistics, gradients } = lossGradients(scalarParameters(model), () => {
    const { logProbs, entropy } = responseLogProbs(gpt, ids, start, promptLength, ppo.temperature);
    const stateValue = stateValues(model, ids, start, promptLength);
    const policy = policyLoss(
      logProbs,
      entropy,
      { oldLogProbs: old.logProbs, advantages: targets.advantages, responseMask: mask },
      ppo.clip_range,
    );
    const value = valueLoss(
      stateValue,
      { oldValues: old.values, returns: targets.returns, responseMask: mask },
      ppo.clip_range_value,
    );
    const results = {
      log_probs: logProbs,
      entropy,
      values: stateValue,
      policy_loss: policy.loss,
      value_loss: value.loss,
    };
    for (const [name, result] of Object.entries(results)) kept[name] = tf.keep(tf.clone(result));
    return { loss: totalLoss(policy.loss, value.loss, ppo.vf_coef), statistics: policy.statistics };
  });
  const policyStatistics = await read(statistics);
  const statistic = (name: (typeof POLICY_STATISTICS)[number]): ArrayLike<number> => [
    policyStatistics[POLICY_STATISTICS.indexOf(name)] as number,
  ];
  const answers: Record<string, ArrayLike<number>> = {
    kl_per_token: await read(kl),
    rewards,
    advantages,
    returns,
    whitened_advantages: whitened,
    total_loss: await read(loss),
    clip_fraction: statistic('val/ratio_outside_clip'),
    approx_kl: statistic('policy/approxkl_avg'),
  };
  for (const [name, result] of Object.entries(kept)) answers[name] = await read(result);

  const { grad_norms: norms, ...numbers } = ppo.expected;
  const largestTerm = Math.max(...whitened.map(Math.abs));
  const deviations = Object.entries(numbers as Record<string, Nested>).map(([name, answer]) =>
    name === 'policy_loss' || name === 'total_loss'
      ? cancellingSum(name, answers[name] ?? [], answer, largestTerm)
      : values(name, answers[name] ?? [], answer),
  );
  const named = renamed(gradients, { [HEAD_WEIGHT]: 'value_head.weight', [HEAD_BIAS]: 'value_head.bias' });
  deviations.push(...(await gradientNorms(named, norms)));
  tf.dispose([ids, start, mask, ...Object.values(old), ...Object.values(targets), ...gradients.values()]);
  tf.dispose([model.weight, model.bias]);
  return deviations;
}
