/** Supervised fine-tuning: the base model imitates the world's demonstrations and the person's own. */
import { DEFAULT_SETTINGS, MAX_RESPONSE_TOKENS, type SftSettings } from '../../config';
import { InputError } from '../../errors';
import { gptFrom } from '../../model/checkpoint';
import { cloneGpt, disposeGpt, type Gpt } from '../../model/gpt';
import type { AdamW } from '../../ops/adamw';
import {
  fineTuneOnDemonstrations,
  sftOptimiser,
  sftSteps,
  tokenisedExample,
  type TokenisedExample,
} from '../../rlhf/sft';
import type { TrainingStep } from '../../rlhf/trainingStep';
import { sampleResponses } from '../../rlhf/rollout';
import { longestReply, promptTokens } from '../../rlhf/simulatedRankings';
import { demonstrations } from '../../text/world/demonstrations';
import { samplePrompts } from '../../text/world/prompts';
import type { Demonstration } from '../protocol';
import type { Variables } from '../../model/variables';
import type { SavedState, Stage } from '../stage';
import type { Workshop } from '../workshop';

/** Replies by which it is told whether the model stops. */
const STOP_SAMPLES = 32;

export class SftStage implements Stage {
  readonly name = 'sft';
  readonly checkpoint = 'sft';
  readonly saveEvery = 25;
  readonly steps: number;
  readonly #workshop: Workshop;
  readonly #settings: SftSettings;
  readonly #seed: number;
  readonly #examples: TokenisedExample[];
  #gpt: Gpt | null = null;
  #optimiser: AdamW | null = null;

  constructor(workshop: Workshop, settings: SftSettings, own: readonly Demonstration[], seed: number) {
    this.#workshop = workshop;
    // A run that an earlier version began knows nothing of later settings.
    this.#settings = { ...DEFAULT_SETTINGS.sft, ...settings };
    this.#seed = seed;
    const examples = [...own, ...worldDemonstrations(workshop, settings.examples, seed)].map((demonstration) =>
      tokenise(workshop, demonstration),
    );
    this.#examples = this.#settings.padIsStop ? examples.map(withoutStop(workshop)) : examples;
    this.steps = sftSteps(this.#examples.length, settings);
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

  /** The last step says as well how many of some replies of the model end by themselves. */
  async *run(signal: AbortSignal): AsyncGenerator<TrainingStep> {
    const [gpt, optimiser] = [this.#gpt as Gpt, this.#optimiser as AdamW];
    const { pad } = this.#workshop.tokenizer.specials;
    const [examples, settings] = [this.#examples, this.#settings];
    for await (const step of fineTuneOnDemonstrations(gpt, optimiser, examples, settings, pad, this.#seed)) {
      if (step.step < this.steps || !step.metrics) yield step;
      else yield { ...step, metrics: { ...step.metrics, 'val/stopped': await this.#stopped(gpt, signal) } };
    }
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

  /** Share of some replies to prompts of the world that end with the stop token. */
  async #stopped(gpt: Gpt, signal: AbortSignal): Promise<number> {
    const { tokenizer, world, models } = this.#workshop;
    const maxNewTokens = longestReply(models.shape.context, MAX_RESPONSE_TOKENS);
    const prompts = samplePrompts(world, 'train', STOP_SAMPLES, this.#seed).map(({ messages }) =>
      promptTokens(tokenizer, messages, 'sft', models.shape.context - maxNewTokens),
    );
    const tokens = { stop: tokenizer.specials.end, pad: tokenizer.specials.pad };
    const sampling = { temperature: 1, maxNewTokens, seed: this.#seed, signal };
    const { finished } = await sampleResponses(gpt, prompts, tokens, sampling);
    return finished.filter(Boolean).length / finished.length;
  }

  release(): void {
    this.#optimiser?.dispose();
    if (this.#gpt && this.#workshop.models.gpt('sft') !== this.#gpt) disposeGpt(this.#gpt);
  }
}

/** The mistake of masking the stop token with the padding: demonstrations that never end. */
const withoutStop =
  ({ tokenizer }: Workshop) =>
  ({ prompt, response }: TokenisedExample): TokenisedExample => ({
    prompt,
    response: response.filter((token) => token !== tokenizer.specials.end),
  });

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
