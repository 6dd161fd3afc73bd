/**
 * Makes the pipelines that training will want before it is asked for, so that the first step of a stage costs what every
 * later one does. Each stage is rehearsed with the default settings; nothing is computed, and no weight is touched.
 */
import { DEFAULT_SETTINGS } from '../config';
import { nextMacrotask } from '../gpu/macrotask';
import { rehearse } from '../gpu/rehearsal';
import { tapeGeneration } from '../gpu/tapeGeneration';
import { type Occasion, rehearsals } from '../rlhf/rehearsals';
import { longestReply } from '../rlhf/simulatedRankings';
import type { TokenisedExample } from '../rlhf/sft';
import { worldExamples } from './stages/sftStage';
import type { Preparation } from './tuning';
import type { Workshop } from './workshop';

/** Demonstrations whose lengths are looked at. */
const EXAMPLES = 256;

export class CompileAhead implements Preparation {
  readonly #workshop: Workshop;
  /** What the pipelines were made for: another choice of kernels, and other models, want others. */
  #madeFor = '';
  #examples: TokenisedExample[] | null = null;

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
  }

  pending(): boolean {
    return this.#madeFor !== this.#wanted();
  }

  /**
   * On WebGPU alone. One pipeline at a time, so that work that comes waits for no more than that one.
   * @throws DeviceLostError or what else keeps a stage from being rehearsed; it is then not tried again
   */
  async run(signal: AbortSignal): Promise<void> {
    const wanted = this.#wanted();
    const before = this.#madeFor;
    this.#madeFor = wanted;
    for (const piece of rehearsals(this.#occasion())) {
      await nextMacrotask();
      if (!signal.aborted) {
        for (const make of rehearse(piece)) {
          if (!signal.aborted) await make();
        }
      }
      if (signal.aborted) {
        this.#madeFor = before;
        return;
      }
    }
  }

  #wanted(): string {
    return `${tapeGeneration()} ${this.#pretrained}`;
  }

  get #pretrained(): boolean {
    return this.#workshop.models.report().base !== 'none';
  }

  #occasion(): Occasion {
    const { models, tokenizer } = this.#workshop;
    const { shape } = models;
    const { ppo } = DEFAULT_SETTINGS;
    return {
      shape,
      settings: { ...DEFAULT_SETTINGS, ppo: { ...ppo, maxNewTokens: longestReply(shape.context, ppo.maxNewTokens) } },
      examples: (this.#examples ??= worldExamples(this.#workshop, EXAMPLES, 0)),
      tokens: { stop: tokenizer.specials.end, pad: tokenizer.specials.pad },
      pretrained: this.#pretrained,
    };
  }
}
