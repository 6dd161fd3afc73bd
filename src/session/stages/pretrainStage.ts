/** Pretraining in the page: the base model from the world's text. */
import type { PretrainSettings } from '../../config';
import { gptFrom } from '../../model/checkpoint';
import { disposeGpt, type Gpt } from '../../model/gpt';
import { initialParameters } from '../../model/parameters';
import type { AdamW } from '../../ops/adamw';
import { pretrain, pretrainingOptimiser, worldWindows } from '../../rlhf/pretraining';
import type { TrainingStep } from '../../rlhf/trainingStep';
import type { Variables } from '../../model/variables';
import type { WrittenSample } from '../protocol';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';
import { write, writesAt } from './writing';

export class PretrainStage implements Stage {
  readonly name = 'pretrain';
  readonly checkpoint = 'base';
  readonly saveEvery = 25;
  readonly steps: number;
  readonly #workshop: Workshop;
  readonly #settings: PretrainSettings;
  readonly #seed: number;
  #gpt: Gpt | null = null;
  #optimiser: AdamW | null = null;

  constructor(workshop: Workshop, settings: PretrainSettings, seed: number) {
    this.#workshop = workshop;
    this.#settings = settings;
    this.#seed = seed;
    this.steps = settings.steps;
  }

  build(saved: SavedState | null): void {
    const { shape } = this.#workshop.models;
    this.#gpt = saved ? gptFrom(shape, saved.weights) : { shape, parameters: initialParameters(shape, this.#seed) };
    this.#optimiser = pretrainingOptimiser(this.#gpt);
    if (saved) this.#optimiser.restore(saved.weights, saved.numbers['step'] ?? 0);
  }

  async *run(): AsyncGenerator<TrainingStep> {
    const [gpt, optimiser] = [this.#gpt as Gpt, this.#optimiser as AdamW];
    // What random weights write is shown with the first step, whose loss is theirs.
    let first = optimiser.step === 0 ? await write(gpt, this.#workshop, this.#seed, 0) : null;
    for await (const step of this.#steps(optimiser)) {
      const { loss = Number.NaN } = step.metrics ?? {};
      const written = (first ?? []).map((text): WrittenSample => ({ step: 0, loss, ...text }));
      first = null;
      if (writesAt(step.step) || step.step === step.steps) {
        const texts = await write(gpt, this.#workshop, this.#seed, step.step);
        written.push(...texts.map((text) => ({ step: step.step, loss, ...text })));
      }
      yield written.length > 0 ? { ...step, written } : step;
    }
  }

  #steps(optimiser: AdamW): AsyncGenerator<TrainingStep> {
    const { tokenizer, world } = this.#workshop;
    const { sequenceLength, batchSize } = this.#settings;
    const windows = worldWindows(world, tokenizer, this.#seed, sequenceLength + 1);
    // The stream is a function of the seed: what an interrupted run has read is read over.
    for (let step = 0; step < optimiser.step; step++) windows.next(batchSize);
    return pretrain(this.#gpt as Gpt, optimiser, windows, this.#settings);
  }

  variables(): Variables {
    return new Map([...(this.#gpt as Gpt).parameters, ...(this.#optimiser as AdamW).moments()]);
  }

  numbers(): Record<string, number> {
    return { step: (this.#optimiser as AdamW).step };
  }

  setNumbers({ step = 0 }: Record<string, number>): void {
    (this.#optimiser as AdamW).step = step;
  }

  async finish(): Promise<void> {
    await this.#workshop.models.install('base', this.#gpt as Gpt);
    // What was made from another base does not belong to this one.
    for (const name of ['sft', 'rewardModel', 'policy'] as const) this.#workshop.models.drop(name);
  }

  release(): void {
    this.#optimiser?.dispose();
    if (this.#gpt && this.#workshop.models.gpt('base') !== this.#gpt) disposeGpt(this.#gpt);
  }
}
