/** A contender with a stopwatch and a counter: runs where the contender runs, so that no message is in a figure. */
import type { Contender, PpoTimes } from './contender';
import { attentionFlops } from './flops';
import { GpuCalls, type CallCounts } from './gpuCalls';
import { PassTimes, type KernelFigures } from './passTimes';
import type { DecodingWork, PpoWork, TrainingWork } from './work';

export interface StepFigures extends CallCounts {
  /** From the start of the step to its first wait for the device: JavaScript alone. */
  encodeMs: number;
  /** Nats a token. */
  loss: number;
}

/** Steps that followed each other at once. */
export interface Burst {
  /** Mean of its steps, with everything done that was submitted. */
  ms: number;
  steps: StepFigures[];
}

export interface StartedOn {
  description: string;
  features: string[];
  /** Loading the code is not in it; asking for the device is. */
  startMs: number;
}

export interface DecodeFigures {
  ms: number;
  tokens: number;
}

export interface PpoFigures extends PpoTimes {
  ms: number;
}

export class Measured {
  readonly #contender: Contender;
  readonly #calls: GpuCalls;
  readonly #passTimes: PassTimes;

  /** Before the contender asks for a device. */
  constructor(contender: Contender, options: { subgroups: boolean }) {
    this.#contender = contender;
    this.#calls = new GpuCalls(options);
    this.#passTimes = new PassTimes(this.#calls);
  }

  async start(): Promise<StartedOn> {
    const began = performance.now();
    await this.#contender.start();
    const startMs = performance.now() - began;
    const device = this.#calls.devices.at(-1);
    if (!device) throw new Error('No GPU device was asked for.');
    const { vendor, architecture, device: model, description } = device.adapterInfo;
    const words = [...new Set([vendor, architecture, model, description].filter(Boolean))];
    return { description: words.join(' ') || 'unnamed adapter', features: [...device.features].sort(), startMs };
  }

  /** What there is to measure. */
  async abilities(): Promise<{ decoding: boolean; ppo: boolean; matrixProductPeak: boolean }> {
    const { decoding, ppo, matrixProductPeak } = this.#contender;
    return { decoding: !!decoding, ppo: !!ppo, matrixProductPeak: !!matrixProductPeak };
  }

  async prepareTraining(work: TrainingWork): Promise<void> {
    await this.#contender.prepareTraining(work);
    await this.#calls.settle();
  }

  async train(steps: number): Promise<Burst> {
    await this.#calls.settle();
    const figures: StepFigures[] = [];
    const began = performance.now();
    for (let i = 0; i < steps; i++) {
      this.#calls.reset();
      const stepBegan = performance.now();
      const step = this.#contender.trainStep();
      const returned = performance.now();
      const loss = await step;
      const encoded = this.#calls.firstWait ?? returned;
      figures.push({ loss, encodeMs: encoded - stepBegan, ...this.#calls.counts });
    }
    await this.#calls.settle();
    return { ms: (performance.now() - began) / steps, steps: figures };
  }

  /** Of training, between `prepareTraining` and `endTraining`; null where the device has no timestamps. */
  async profileTraining({ shape, batch, length }: TrainingWork, repeats: number): Promise<KernelFigures[] | null> {
    return this.#passTimes.profile(
      () => this.#contender.trainStep(),
      repeats,
      attentionFlops(shape.width, batch, length),
    );
  }

  async endTraining(): Promise<void> {
    await this.#contender.endTraining();
    await this.#calls.settle();
  }

  async prepareDecoding(work: DecodingWork): Promise<void> {
    await this.#contender.decoding?.prepare(work);
    await this.#calls.settle();
  }

  async decode(rows: number): Promise<DecodeFigures & CallCounts> {
    if (!this.#contender.decoding) throw new Error('This contender does not decode.');
    await this.#calls.settle();
    this.#calls.reset();
    const began = performance.now();
    const tokens = await this.#contender.decoding.decode(rows);
    return { ms: performance.now() - began, tokens, ...this.#calls.counts };
  }

  async endDecoding(): Promise<void> {
    await this.#contender.decoding?.end();
  }

  async preparePpo(work: PpoWork): Promise<void> {
    await this.#contender.ppo?.prepare(work);
    await this.#calls.settle();
  }

  async updatePpo(): Promise<PpoFigures> {
    if (!this.#contender.ppo) throw new Error('This contender has no PPO.');
    const began = performance.now();
    const times = await this.#contender.ppo.update();
    await this.#calls.settle();
    return { ms: performance.now() - began, ...times };
  }

  async endPpo(): Promise<void> {
    await this.#contender.ppo?.end();
  }

  async halfPrecisionRan(): Promise<boolean> {
    return this.#contender.halfPrecisionRan?.() ?? false;
  }

  async matrixProductPeak(): Promise<{ size: number; gflops: number } | null> {
    return (await this.#contender.matrixProductPeak?.()) ?? null;
  }
}
