import { InputError } from '../errors';

/** Holds klCoef, the price of a nat of drift (beta), between updates. */
export interface KlController {
  /** The coefficient to use now. */
  readonly klCoef: number;
  /**
   * Tells the controller what an update brought.
   *
   * @param observedKl mean over the batch of the sequence KL, in nats a response
   * @param batchSize episodes behind it (n)
   * @returns the coefficient for the next update
   */
  update(observedKl: number, batchSize: number): number;
}

/** Largest relative error that the controller reacts to, either way. */
const ERROR_CLIP = 0.2;

/**
 * Moves klCoef so that the policy stays `target` nats a response away from the reference policy.
 *
 * e = clip(KL / target - 1, -0.2, 0.2);  beta ← beta · (1 + e · n / horizon)
 *
 * Ziegler et al. 2019 (arXiv:1909.08593), section 2.2, as in lm-human-preferences. No deviation in the formula; the
 * defaults in `config.ts` have a shorter horizon, because a run here is 1,500 episodes and not a million.
 */
export class AdaptiveKlController implements KlController {
  #klCoef: number;
  readonly #target: number;
  readonly #horizon: number;

  /**
   * @param klCoef starting coefficient, >= 0 (0 stays 0: the rule multiplies)
   * @param target nats a response, > 0
   * @param horizon episodes, > 0
   * @throws InputError if the target or the horizon is not above 0
   */
  constructor(klCoef: number, target: number, horizon: number) {
    if (!(target > 0) || !(horizon > 0)) {
      throw new InputError(
        `The KL controller needs a target and a horizon above 0, got ${target} and ${horizon}.`,
        'Set both above 0, or switch the controller off.',
      );
    }
    this.#klCoef = klCoef;
    this.#target = target;
    this.#horizon = horizon;
  }

  get klCoef(): number {
    return this.#klCoef;
  }

  update(observedKl: number, batchSize: number): number {
    const error = Math.min(ERROR_CLIP, Math.max(-ERROR_CLIP, observedKl / this.#target - 1));
    this.#klCoef *= 1 + (error * batchSize) / this.#horizon;
    return this.#klCoef;
  }
}

/** Keeps klCoef as it is, whatever the drift. */
export class FixedKlController implements KlController {
  readonly klCoef: number;

  constructor(klCoef: number) {
    this.klCoef = klCoef;
  }

  update(): number {
    return this.klCoef;
  }
}
