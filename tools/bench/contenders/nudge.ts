/** This engine, through its public functions alone. */
import * as tf from '@tensorflow/tfjs-core';
import { DEFAULT_SETTINGS, type ModelShape } from '../../../src/config';
import { startDevice } from '../../../src/gpu/device';
import { generateAll } from '../../../src/model/generate';
import { cloneGpt, disposeGpt, type Gpt } from '../../../src/model/gpt';
import { initialParameters } from '../../../src/model/parameters';
import { disposeRewardModel, rewardModelFrom } from '../../../src/model/rewardHead';
import { disposeScalarModel, scalarModelFrom } from '../../../src/model/scalarHead';
import type { AdamW } from '../../../src/ops/adamw';
import { allowHalfPrecision, halfPrecisionTaken } from '../../../src/ops/kernelVariants';
import { matrixProduct } from '../../../src/ops/matrixProduct';
import '../../../src/ops/webgpuKernels';
import { FixedKlController } from '../../../src/rlhf/adaptiveKlController';
import { ppo, ppoOptimisers, type PpoState } from '../../../src/rlhf/ppo';
import { pretrain, pretrainingOptimiser } from '../../../src/rlhf/pretraining';
import type { TrainingStep } from '../../../src/rlhf/trainingStep';
import type { Contender, Decoding, PpoTimes, PpoUpdates } from '../contender';
import { ADAM, prompts, tokenWindows, type DecodingWork, type PpoWork, type TrainingWork } from '../work';

/** More than any run of the bench takes, so that no schedule comes to its end. */
const ENDLESS = 1_000_000;
/** The same of PPO, which looks at the prompts of all its updates before the first. */
const ENDLESS_UPDATES = 1000;
/** No token: replies then have the length that was asked for. */
const NEVER = -1;

export class Nudge implements Contender {
  readonly decoding: Decoding = new NudgeDecoding();
  readonly ppo: PpoUpdates = new NudgePpo();
  readonly #gpu: GPU | undefined;
  readonly #f16: boolean;
  #training: { gpt: Gpt; optimiser: AdamW; steps: AsyncGenerator<TrainingStep> } | null = null;

  /** @param gpu where adapters come from; `navigator.gpu` unless given */
  constructor({ gpu, f16 }: { gpu?: GPU; f16: boolean }) {
    this.#gpu = gpu;
    this.#f16 = f16;
  }

  async start(): Promise<void> {
    const { gpu, report } = await startDevice('webgpu', this.#gpu ? { gpu: this.#gpu } : {});
    if (!gpu) throw new Error(`WebGPU did not start. ${report.fallbackReason}`);
    allowHalfPrecision(this.#f16);
  }

  halfPrecisionRan(): boolean {
    return halfPrecisionTaken();
  }

  async prepareTraining(work: TrainingWork): Promise<void> {
    const gpt = freshGpt(work);
    const optimiser = pretrainingOptimiser(gpt);
    const steps = pretrain(gpt, optimiser, tokenWindows(work), {
      steps: ENDLESS,
      batchSize: work.batch,
      sequenceLength: work.length,
      learningRate: ADAM.learningRate,
      warmupSteps: 0,
    });
    this.#training = { gpt, optimiser, steps };
  }

  async trainStep(): Promise<number> {
    for (;;) {
      const step = await this.#training?.steps.next();
      if (!step || step.done) throw new Error('The training came to an end.');
      if (step.value.metrics) return step.value.metrics['loss'] as number;
    }
  }

  async endTraining(): Promise<void> {
    if (!this.#training) return;
    const { gpt, optimiser, steps } = this.#training;
    this.#training = null;
    await steps.return(undefined);
    optimiser.dispose();
    disposeGpt(gpt);
  }

  async matrixProductPeak(): Promise<{ size: number; gflops: number }> {
    let best = { size: 0, gflops: 0 };
    for (let size = 256; size <= 4096; size *= 2) {
      const { gflops, seconds } = await matrixProductRate(size);
      if (gflops > best.gflops) best = { size, gflops };
      // Eight times the work would take too long.
      if (seconds > 0.5) break;
    }
    return best;
  }
}

/** The best of some runs of a square product. */
async function matrixProductRate(size: number): Promise<{ gflops: number; seconds: number }> {
  const [a, b] = [tf.randomUniform<tf.Rank.R2>([size, size]), tf.randomUniform<tf.Rank.R2>([size, size])];
  const repeats = Math.max(1, Math.round((512 / size) ** 3 * 4));
  const run = async (): Promise<number> => {
    const began = performance.now();
    let last: tf.Tensor2D | null = null;
    for (let i = 0; i < repeats; i++) {
      last?.dispose();
      last = matrixProduct(a, b);
    }
    const corner = tf.tidy(() => tf.slice(last as tf.Tensor2D, [0, 0], [1, 1]));
    await corner.data();
    tf.dispose([corner, last as tf.Tensor2D]);
    return (performance.now() - began) / 1000;
  };
  await run();
  const seconds = Math.min(await run(), await run(), await run());
  tf.dispose([a, b]);
  return { gflops: (2 * size ** 3 * repeats) / seconds / 1e9, seconds };
}

class NudgeDecoding implements Decoding {
  #state: { gpt: Gpt; work: DecodingWork } | null = null;

  async prepare(work: DecodingWork): Promise<void> {
    this.#state = { gpt: freshGpt(work), work };
  }

  async decode(rows: number): Promise<number> {
    if (!this.#state) throw new Error('Nothing was prepared.');
    const { gpt, work } = this.#state;
    const { responses } = await generateAll(gpt, prompts(rows, work.promptLength, work.shape.vocabulary), {
      temperature: 1,
      topK: 0,
      topP: 1,
      maxNewTokens: work.newTokens,
      seed: work.seed,
      stopToken: NEVER,
      padToken: 0,
    });
    return responses.reduce((sum, response) => sum + response.length, 0);
  }

  async end(): Promise<void> {
    if (this.#state) disposeGpt(this.#state.gpt);
    this.#state = null;
  }
}

class NudgePpo implements PpoUpdates {
  #state: PpoState | null = null;
  #steps: AsyncGenerator<TrainingStep> | null = null;

  async prepare(work: PpoWork): Promise<void> {
    const settings = {
      ...DEFAULT_SETTINGS.ppo,
      updates: ENDLESS_UPDATES,
      batchSize: work.prompts,
      ppoEpochs: work.epochs,
      minibatchSize: work.minibatch,
      maxNewTokens: work.newTokens,
    };
    const policy = freshGpt(work);
    const rewardModel = rewardModelFrom(policy, work.seed);
    const models = { policy, refPolicy: cloneGpt(policy), rewardModel, valueModel: scalarModelFrom(policy, work.seed) };
    const { policyOptimiser, valueOptimiser } = ppoOptimisers(policy, models.valueModel, settings);
    const klController = new FixedKlController(settings.klCoef);
    this.#state = { models, policyOptimiser, valueOptimiser, klController, update: 0 };
    this.#steps = ppo(this.#state, {
      settings,
      tokens: { stop: NEVER, pad: 0 },
      seed: work.seed,
      promptsOf: () => prompts(work.prompts, work.promptLength, work.shape.vocabulary),
      describe: () => ({ prompt: '', reply: '' }),
    });
  }

  /**
   * PPO yields as it enters each of its parts, so the time between two yields is that of a part, as the host sees it: it
   * does not wait for the scores, so their passes end within the time of training.
   */
  async update(): Promise<PpoTimes> {
    const times = { rolloutMs: 0, scoreMs: 0, trainMs: 0 };
    const parts: Record<string, keyof PpoTimes> = {
      'sampling replies': 'rolloutMs',
      'scoring replies': 'scoreMs',
      learning: 'trainMs',
    };
    let part: keyof PpoTimes | undefined;
    for (;;) {
      const began = performance.now();
      const step = await this.#steps?.next();
      if (!step || step.done) throw new Error('PPO came to an end.');
      if (part) times[part] += performance.now() - began;
      if (step.value.metrics) return times;
      part = parts[step.value.phase];
    }
  }

  async end(): Promise<void> {
    if (!this.#state) return;
    await this.#steps?.return(undefined);
    const { models, policyOptimiser, valueOptimiser } = this.#state;
    this.#state = null;
    policyOptimiser.dispose();
    valueOptimiser?.dispose();
    disposeGpt(models.policy);
    disposeGpt(models.refPolicy);
    if (models.rewardModel) disposeRewardModel(models.rewardModel);
    disposeScalarModel(models.valueModel);
  }
}

function freshGpt({ shape, seed }: { shape: ModelShape; seed: number }): Gpt {
  return { shape, parameters: initialParameters(shape, seed) };
}
