/** For tests of runs: a stage that only counts, and what can befall it. */
import * as tf from '@tensorflow/tfjs-core';
import { CancelledError, DeviceLostError } from '../errors';
import { startDevice } from '../gpu/device';
import type { Variables } from '../model/variables';
import type { TrainingStep } from '../rlhf/trainingStep';
import { Surroundings } from './runSurroundings';
import type { SavedState, Stage } from './stage';

/** The weight's name. */
export const NAME = 'transformer.wte.weight';

/** A stage whose only weight is the number of steps behind it. `at` is called in the middle of each step. */
export class CountingStage implements Stage {
  readonly name = 'sft';
  readonly checkpoint = 'sft';
  readonly saveEvery = 2;
  readonly steps = 6;
  at: (step: number) => void | Promise<void> = () => undefined;
  onFinish: () => void | Promise<void> = () => undefined;
  onBuild: () => void = () => undefined;
  readonly calls: string[] = [];
  /** The weight at each call of finish. */
  readonly finishedWith: number[] = [];
  #weight: tf.Variable | null = null;
  #step = 0;

  get weight(): number {
    return (this.#weight as tf.Variable).dataSync()[0] as number;
  }

  build(saved: SavedState | null): void {
    this.calls.push(`build ${saved ? saved.numbers['step'] : 'anew'}`);
    this.onBuild();
    this.#step = saved?.numbers['step'] ?? 0;
    const values = saved?.weights.get(NAME)?.values ?? Float32Array.of(0);
    this.#weight = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  }

  async *run(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    while (this.#step < this.steps) {
      const step = this.#step + 1;
      yield { step, steps: this.steps, phase: 'sampling' };
      this.add(0.5); // half a step: to be seen where a run breaks off in the middle
      await this.at(step);
      if (signal.aborted) throw new CancelledError('The toy');
      this.add(0.5);
      this.#step = step;
      yield { step, steps: this.steps, phase: 'learning', metrics: { loss: 1 / step }, samples: [] };
    }
  }

  add(amount: number): void {
    tf.tidy(() => this.#weight?.assign(tf.add(this.#weight, amount)));
  }

  variables(): Variables {
    return new Map([[NAME, this.#weight as tf.Variable]]);
  }

  numbers(): Record<string, number> {
    return { step: this.#step };
  }

  setNumbers({ step = 0 }: Record<string, number>): void {
    this.#step = step;
  }

  async finish(): Promise<void> {
    this.calls.push('finish');
    this.finishedWith.push(this.weight);
    await this.onFinish();
  }

  undo(): void {
    this.calls.push('undo');
  }

  release(): void {
    this.calls.push('release');
  }
}

/** A stage and what surrounds its run, on a device that computes; `tf.disposeVariables` when done. */
export async function freshStage(): Promise<{ stage: CountingStage; around: Surroundings }> {
  await startDevice('cpu');
  return { stage: new CountingStage(), around: new Surroundings() };
}

export const lost = (): DeviceLostError => new DeviceLostError('the test took it');
/** Long enough for a run that is not paused to go on. */
export const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

/** Calls `act` once, at the metrics of a step. */
export function afterStep(around: Surroundings, step: number, act: () => void): void {
  around.listener = (event) => {
    if (event.type !== 'run.metrics' || event.step !== step) return;
    around.listener = () => undefined;
    act();
  };
}
