import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { testQuads } from '../gpu/quad';
import { rehearse } from '../gpu/rehearsal';
import { Step } from '../gpu/step';
import {
  expectAgreement,
  gaussian,
  integers,
  largestDifference,
  results,
  startBothBackends,
  type HostArray,
} from './backendAgreement';
import { forceVariant } from './kernelVariants';
import { matrixProduct } from './matrixProduct';
import { PRODUCT_TILES } from './matrixProductTiles';
import { streamedLogProb } from './streamedLogProb';
import { tokenLogProb } from './tokenLogProb';
import './webgpuKernels';

type Tensors = Record<string, tf.Tensor>;
type Head = (hidden: tf.Tensor2D, wte: tf.Tensor2D, targets: tf.Tensor1D) => ReturnType<typeof tokenLogProb>;

const streamed =
  (blockRows: number, temperature: number): Head =>
  (hidden, wte, targets) =>
    streamedLogProb(hidden, wte, targets, blockRows, temperature);
const whole =
  (temperature: number): Head =>
  (hidden, wte, targets) =>
    tokenLogProb(matrixProduct(hidden, wte, { transposeB: true }), targets, temperature);

/** Log-prob, entropy, and the gradients by states and head of both together. */
const all =
  (head: Head) =>
  (t: Tensors): tf.Tensor[] => {
    const { hidden, wte, targets, dLogProb, dEntropy } = t as Tensors & {
      hidden: tf.Tensor2D;
      wte: tf.Tensor2D;
      targets: tf.Tensor1D;
    };
    const { logProb, entropy } = head(hidden, wte, targets);
    const loss = (...[h, w]: tf.Tensor[]): tf.Tensor => {
      const of = head(h as tf.Tensor2D, w as tf.Tensor2D, targets);
      return tf.sum(tf.add(tf.mul(of.logProb, dLogProb as tf.Tensor), tf.mul(of.entropy, dEntropy as tf.Tensor)));
    };
    return [logProb, entropy, ...tf.grads(loss)([hidden, wte])];
  };

const inputs = (m: number, v: number, c: number): Record<string, HostArray> => ({
  hidden: gaussian([m, c], 1),
  wte: gaussian([v, c], 2, 2 / Math.sqrt(c)),
  targets: integers([m], v, 3),
  dLogProb: gaussian([m], 4),
  dEntropy: gaussian([m], 5),
});

/** Rows around the end of a block; vocabularies and widths that vec4s fit and do not. */
const SIZES = [
  [1, 63, 16, 64],
  [63, 64, 16, 64],
  [64, 65, 20, 64],
  [65, 1, 4, 64],
  [65, 64, 17, 64],
  [129, 100, 32, 64],
  [200, 513, 64, 128],
  [321, 68, 12, 128],
] as const;

describe('streamedLogProb on WebGPU', () => {
  beforeAll(async () => {
    await startBothBackends();
    const { gpu } = await startDevice('webgpu');
    await testQuads(gpu as GPUDevice);
  });
  const PRODUCTS = ['matrix product NN', 'matrix product NT', 'matrix product TN'];
  afterEach(() => PRODUCTS.forEach((kernel) => forceVariant(kernel, null)));

  it.each(SIZES)('and its gradients agree with the reference: %i rows to %i, %i wide, %i at a time', (m, v, c, block) =>
    expectAgreement(all(streamed(block, 0.8)), inputs(m, v, c), 5e-5),
  );

  it.each(SIZES)('gives what the whole head gives: %i rows to %i, %i wide, %i at a time', async (m, v, c, block) => {
    const came = await results('webgpu', all(streamed(block, 1.3)), inputs(m, v, c));
    const expected = await results('webgpu', all(whole(1.3)), inputs(m, v, c));
    came.forEach((output, i) => expect(largestDifference(output, expected[i]!), `output ${i}`).toBeLessThan(2e-5));
  });

  it.each(PRODUCT_TILES.filter((tile) => tile.kind === 'register' || !tile.half).map(({ name }) => name))(
    'agrees with the reference where blocks are multiplied and added up by the variant %s',
    async (variant) => {
      PRODUCTS.forEach((kernel) => forceVariant(kernel, variant));
      await expectAgreement(all(streamed(64, 1)), inputs(197, 260, 68), 5e-5);
    },
  );

  it('has the same bits each time', async () => {
    const run = () => results('webgpu', all(streamed(64, 1)), inputs(257, 96, 32));
    expect(await run()).toEqual(await run());
  });

  it('leaves the numbers right where its inputs are disposed before anything is submitted', async () => {
    const few = inputs(130, 40, 8);
    const [expected] = await results('cpu', all(streamed(64, 1)), few);
    const [hidden, wte] = ['hidden', 'wte'].map((name) => few[name] as HostArray) as [HostArray, HostArray];
    expect(await tf.setBackend('webgpu')).toBe(true);
    const states = tf.tensor2d(hidden.values, [130, 8]);
    const head = tf.tensor2d(wte.values, [40, 8]);
    const targets = tf.tensor1d(few['targets']!.values, 'int32');
    const { logProb } = streamedLogProb(states, head, targets, 64);
    tf.dispose([states, head, targets]);
    // Of the same sizes: what a pool would give the freed memory to.
    const later = [tf.zeros([130, 8]), tf.zeros([40, 8]), tf.zeros([130], 'int32')];
    for (const tensor of later) await tensor.data();
    const values = await logProb.data<'float32'>();
    expect(largestDifference({ shape: [130], dtype: 'float32', values }, expected as HostArray)).toBeLessThan(5e-5);
    tf.dispose([...later, logProb]);
  });

  it('is rehearsed without touching the device: afterwards its pipelines are known', async () => {
    expect(await tf.setBackend('webgpu')).toBe(true);
    const body = (): void => {
      const shapes = inputs(70, 44, 24);
      const tensors = Object.entries(shapes).map(([name, { shape, dtype }]) => [name, tf.zeros(shape, dtype)]);
      all(streamed(64, 1))(Object.fromEntries(tensors) as Tensors);
    };
    const before = tf.memory();
    for (const make of rehearse(body)) await make();
    expect(tf.memory()).toEqual(before);
    expect(rehearse(body)).toEqual([]);
  });

  it('replays from a tape with the bits of a plain run', async () => {
    expect(await tf.setBackend('webgpu')).toBe(true);
    const step = new Step(
      'streamed log-probs',
      (t: Tensors) => all(streamed(64, 0.9))(t),
      () => [],
    );
    const tensors = inputs(150, 36, 8) as Parameters<typeof step.run>[0];
    await step.read(tensors);
    expect(await step.read(tensors)).toEqual(await step.runPlainly(tensors)());
    step.dispose();
  });
});
