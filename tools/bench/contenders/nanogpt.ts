/**
 * @genai-fi/nanogpt: its own GPT (RMS norm, no biases, tied embedding) of the same sizes, with its own trainer and
 * AdamW. Its bundle holds tfjs; engine and kernels of that live on `globalThis`, so tensors that are made here are its.
 */
import { models, TeachableLLM, tokenise } from '@genai-fi/nanogpt';
// The package exports no trainer by itself, only jobs that cannot be taken step by step.
import PreTrainer from '../../../node_modules/@genai-fi/nanogpt/dist/training/PreTrainer.js';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../../../src/config';
import type { TokenWindows } from '../../../src/rlhf/pretraining';
import type { Contender, Decoding } from '../contender';
import { ADAM, inputsAndTargets, prompts, tokenWindows, type DecodingWork, type TrainingWork } from '../work';

export class GenaiNanogpt implements Contender {
  readonly decoding: Decoding = new CachedDecoding();
  #training: {
    work: TrainingWork;
    model: models.NanoGPTV1;
    trainer: SteppedTrainer;
    windows: TokenWindows;
  } | null = null;

  async start(): Promise<void> {
    await TeachableLLM.selectBackend('webgpu');
  }

  async prepareTraining(work: TrainingWork): Promise<void> {
    const tokeniser = new tokenise.CharTokeniser(work.shape.vocabulary);
    const model = freshModel(work.shape, false);
    const trainer = new SteppedTrainer(model, tokeniser, {
      ...ADAM,
      weightDecay: 0,
      clipNorm: 1,
      warmupSteps: 0,
      minLearningRate: ADAM.learningRate,
    });
    this.#training = { work, model, trainer, windows: tokenWindows(work) };
  }

  async trainStep(): Promise<number> {
    if (!this.#training) throw new Error('Nothing was prepared.');
    const { work, trainer, windows } = this.#training;
    const { inputs, targets } = inputsAndTargets(windows.next(work.batch), work.batch);
    const xs = tf.tensor2d(inputs, [work.batch, work.length], 'int32');
    const ys = tf.tensor2d(targets, [work.batch, work.length], 'int32');
    const loss = trainer.step(xs, ys);
    const value = (await loss.data())[0] as number;
    tf.dispose([xs, ys, loss]);
    return value;
  }

  async endTraining(): Promise<void> {
    this.#training?.trainer.dispose();
    this.#training?.model.dispose();
    this.#training = null;
  }
}

class SteppedTrainer extends PreTrainer {
  step(xs: tf.Tensor, ys: tf.Tensor): tf.Scalar {
    return this.trainStep({}, { xs, ys }) as tf.Scalar;
  }
}

/** Its key-value cache, driven as its generator does, but for any number of rows and without a read for every token. */
class CachedDecoding implements Decoding {
  #state: { model: models.NanoGPTV1; work: DecodingWork } | null = null;

  async prepare(work: DecodingWork): Promise<void> {
    this.#state = { model: freshModel(work.shape, true), work };
  }

  async decode(rows: number): Promise<number> {
    if (!this.#state) throw new Error('Nothing was prepared.');
    const { model, work } = this.#state;
    const { vocabulary, layers } = work.shape;
    const cache: { k?: tf.Tensor; v?: tf.Tensor; length: number; cumulativeLength: number }[] = Array.from(
      { length: layers },
      () => ({ length: 0, cumulativeLength: 0 }),
    );
    const drawn: tf.Tensor[] = [];
    let ids: tf.Tensor = tf.tensor2d(
      prompts(rows, work.promptLength, vocabulary).flat(),
      [rows, work.promptLength],
      'int32',
    );
    const prompt = ids;
    for (let i = 0; i < work.newTokens; i++) {
      ids = tf.tidy(() => {
        const logits = model.forward({ training: false, cache }, ids);
        const last = tf.slice(logits, [0, logits.shape[1]! - 1, 0], [rows, 1, vocabulary]);
        return tf.multinomial(tf.reshape<tf.Rank.R2>(last, [rows, vocabulary]), 1);
      });
      drawn.push(ids);
    }
    await ids.data();
    tf.dispose([prompt, ...drawn, ...cache.flatMap(({ k, v }) => [k, v].filter((tensor) => tensor !== undefined))]);
    return rows * work.newTokens;
  }

  async end(): Promise<void> {
    this.#state?.model.dispose();
    this.#state = null;
  }
}

/** @param rope rotary positions, which its cache needs; else learned ones, as ours */
function freshModel({ layers, width, heads, context, vocabulary }: ModelShape, rope: boolean): models.NanoGPTV1 {
  return new models.NanoGPTV1({
    modelType: 'GenAI_NanoGPT_v1',
    vocabSize: vocabulary,
    blockSize: context,
    nLayer: layers,
    nHead: heads,
    nEmbed: width,
    mlpFactor: 4,
    useRope: rope,
  });
}
