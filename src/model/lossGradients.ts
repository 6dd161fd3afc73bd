/**
 * A loss, its gradients by parameter name, and statistics of the same pass, without reading anything back.
 */
import * as tf from '@tensorflow/tfjs-core';

export interface LossAndStatistics {
  loss: tf.Scalar;
  /** Numbers of the same forward pass; no gradient flows from them. */
  statistics: tf.Tensor1D;
}

export interface LossGradients extends LossAndStatistics {
  gradients: Map<string, tf.Tensor>;
}

/**
 * @param parameters what to differentiate by; each must take part in the loss
 * @returns tensors that the caller disposes
 */
export function lossGradients(
  parameters: ReadonlyMap<string, tf.Variable>,
  forward: () => LossAndStatistics,
): LossGradients {
  const kept: tf.Tensor1D[] = [];
  const { value, grads } = tf.variableGrads(() => {
    const { loss, statistics } = forward();
    kept.push(tf.keep(statistics));
    return loss;
  }, [...parameters.values()]);
  const gradients = new Map<string, tf.Tensor>();
  for (const [name, parameter] of parameters) gradients.set(name, grads[parameter.name] as tf.Tensor);
  return { loss: value, statistics: kept[0] as tf.Tensor1D, gradients };
}

/** As `lossGradients`, for a loss that says nothing but itself. */
export function gradientsOf(
  parameters: ReadonlyMap<string, tf.Variable>,
  loss: () => tf.Scalar,
): { loss: tf.Scalar; gradients: Map<string, tf.Tensor> } {
  const { statistics, ...rest } = lossGradients(parameters, () => ({ loss: loss(), statistics: tf.tensor1d([0]) }));
  statistics.dispose();
  return rest;
}

/** Reads scalars back in one go, and disposes them. */
export async function readScalars<K extends string>(scalars: Record<K, tf.Scalar>): Promise<Record<K, number>> {
  const names = Object.keys(scalars) as K[];
  const stacked = tf.tidy(() => tf.stack(names.map((name) => scalars[name])));
  const values = await stacked.data();
  stacked.dispose();
  for (const name of names) scalars[name].dispose();
  return Object.fromEntries(names.map((name, i) => [name, values[i] as number])) as Record<K, number>;
}
