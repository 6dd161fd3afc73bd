/**
 * A slower copy of a policy: the exponential moving average of its weights, which wavers less than the policy itself.
 * Polyak and Juditsky 1992; OpenRLHF and DeepSpeed-Chat keep one with a decay of 0.992.
 *
 *   ema ← decay · ema + (1 - decay) · policy, after every update
 */
import * as tf from '@tensorflow/tfjs-core';
import { cloneGpt, disposeGpt, type Gpt } from '../model/gpt';

export class Ema {
  /** The copy; starts as the policy. */
  readonly gpt: Gpt;
  readonly decay: number;

  /** @param decay 0 (the policy itself) to below 1 */
  constructor(policy: Gpt, decay: number) {
    if (!(decay >= 0 && decay < 1)) throw new RangeError(`Expected a decay from 0 to below 1, got ${decay}.`);
    this.gpt = cloneGpt(policy);
    this.decay = decay;
  }

  follow(policy: Gpt): void {
    for (const [name, own] of this.gpt.parameters) {
      const value = policy.parameters.get(name) as tf.Variable;
      tf.tidy(() => own.assign(tf.add(tf.mul(own, this.decay), tf.mul(value, 1 - this.decay))));
    }
  }

  /** Gives the policy the weights of the copy. */
  lead(policy: Gpt): void {
    for (const [name, own] of this.gpt.parameters) tf.tidy(() => policy.parameters.get(name)?.assign(tf.add(own, 0))); // a buffer of its own
  }

  dispose(): void {
    disposeGpt(this.gpt);
  }
}
