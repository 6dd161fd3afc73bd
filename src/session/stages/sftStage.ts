/** Supervised fine-tuning: the base model imitates the world's demonstrations and the person's own. */
import type { SftSettings } from '../../config';
import { InputError } from '../../errors';
import { gptFrom } from '../../model/checkpoint';
import { cloneGpt, disposeGpt, type Gpt } from '../../model/gpt';
import type { AdamW } from '../../ops/adamw';
import { sftOptimiser, sftSteps, superviseFineTune, tokenisedExample, type TokenisedExample } from '../../rlhf/sft';
import type { TrainingStep } from '../../rlhf/trainingStep';
import { demonstrations } from '../../text/world/demonstrations';
import type { Demonstration } from '../protocol';
import type { Variables } from '../../model/variables';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';

export class SftStage implements Stage {
  readonly name = 'sft';
  readonly checkpoint = 'sft';
  readonly saveEvery = 25;
  readonly steps: number;
  readonly metadata: Record<string, string>;
  readonly #workshop: Workshop;
  readonly #settings: SftSettings;
  readonly #seed: number;
  readonly #examples: TokenisedExample[];
  #gpt: Gpt | null = null;
  #optimiser: AdamW | null = null;

  constructor(workshop: Workshop, settings: SftSettings, own: readonly Demonstration[], seed: number) {
    this.#workshop = workshop;
    this.#settings = settings;
    this.#seed = seed;
    this.#examples = [...own, ...worldDemonstrations(workshop, settings.examples, seed)].map((demonstration) =>
      tokenise(workshop, demonstration),
    );
    this.steps = sftSteps(this.#examples.length, settings);
    this.metadata = { stage: this.name, settings: JSON.stringify(settings), seed: String(seed) };
  }

  build(saved: SavedState | null): void {
    const { models } = this.#workshop;
    if (saved) {
      this.#gpt = gptFrom(models.shape, saved.weights);
    } else {
      const base = models.gpt('base');
      if (!base) throw new InputError('Expected a base model to fine-tune, got none.', 'Pretrain one first.');
      this.#gpt = cloneGpt(base);
    }
    this.#optimiser = sftOptimiser(this.#gpt);
    if (saved) this.#optimiser.restore(saved.weights, saved.numbers['step'] ?? 0);
  }

  run(): AsyncGenerator<TrainingStep> {
    const { pad } = this.#workshop.tokenizer.specials;
    return superviseFineTune(
      this.#gpt as Gpt,
      this.#optimiser as AdamW,
      this.#examples,
      this.#settings,
      pad,
      this.#seed,
    );
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
    await this.#workshop.models.install('sft', this.#gpt as Gpt);
    // A policy drifts from the reference it was made from; with another reference its KL would mean nothing.
    this.#workshop.models.drop('policy');
  }

  release(): void {
    this.#optimiser?.dispose();
    if (this.#gpt && this.#workshop.models.gpt('sft') !== this.#gpt) disposeGpt(this.#gpt);
  }
}

/** The world's own demonstrations, in tokens. */
export function worldExamples(workshop: Workshop, count: number, seed: number): TokenisedExample[] {
  return worldDemonstrations(workshop, count, seed).map((demonstration) => tokenise(workshop, demonstration));
}

function worldDemonstrations({ world }: Workshop, count: number, seed: number): Demonstration[] {
  return demonstrations(world, count, seed).map(({ prompt, reply }, i) => ({
    id: `world-${seed}-${i}`,
    conversation: [...prompt.messages],
    reply,
  }));
}

function tokenise({ tokenizer, models }: Workshop, { conversation, reply }: Demonstration): TokenisedExample {
  return tokenisedExample(tokenizer, conversation, reply, models.shape.context);
}
