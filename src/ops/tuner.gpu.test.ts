import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Device, startDevice } from '../gpu/device';
import { type Kernel, runKernel } from '../gpu/kernel';
import { memory } from '../gpu/memory';
import { Step } from '../gpu/step';
import { causalAttention } from './causalAttention';
import './causalAttention.webgpu';
import { declareVariants, forgetChoices, shapesOf, variantsOf } from './kernelVariants';
import { matrixProduct } from './matrixProduct';
import './matrixProduct.webgpu';
import { registerWebGpu } from './webgpuOperation';
import { runOperation } from './operation';
import { applyOutcome, measurableShapes, measure } from './tuner';
import { openContest } from './variantContest';

/** y = 2 x, in ways of which some are wrong. */
const DOUBLED = 'NudgeDoubledForTest';
const SIZE = 64;
const kernelOf = (name: string, line: string): Kernel => ({
  name: `doubled ${name}`,
  source: `
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { let i = id.x; ${line} }`,
});
const LOOP = 'var sum = 0.0; for (var n = 0; n < 2000; n++) { sum += x[i] / 1000; } y[i] = sum;';
const VARIANTS = [
  { name: 'wrong', quads: false, kernel: kernelOf('wrong', 'y[i] = 3 * x[i];') },
  { name: 'slow', quads: false, kernel: kernelOf('slow', LOOP) },
  { name: 'silent', quads: false, kernel: kernelOf('silent', 'if (x[i] > 9) { y[i] = x[0]; }') },
  { name: 'broken', quads: false, kernel: kernelOf('broken', 'y[i] = nothing;') },
  { name: 'right', quads: false, kernel: kernelOf('right', 'y[i] = x[i] + x[i];') },
] as const;
const [WRONG, SLOW, SILENT, BROKEN, RIGHT] = VARIANTS;
type Variant = (typeof VARIANTS)[number];
const ORDER: [Variant, ...Variant[]] = [SLOW, WRONG, SILENT, BROKEN, RIGHT];
const choose = declareVariants('doubled', VARIANTS, {
  source: '',
  trialOf: (shape) => ({
    operands: { x: { shape: [Number(shape)], dtype: 'float32' } },
    flops: Number(shape),
    run: (device, { x }) => doubled(device, x as tf.TensorInfo),
  }),
});
const doubled = (device: GPUDevice, x: tf.TensorInfo): tf.TensorInfo[] =>
  runKernel(choose(device, String(SIZE), ORDER).kernel, {
    inputs: [x],
    outputs: [{ shape: [SIZE], dtype: 'float32' }],
    workgroups: [1],
  });

describe('measuring variants on a device', () => {
  let device: GPUDevice;
  let onError: Device['onError'];
  const never = new AbortController().signal;

  beforeAll(async () => {
    const started = await startDevice('webgpu');
    device = started.gpu!;
    onError = (listener) => started.onError(listener);
    registerWebGpu(DOUBLED, ({ x }) => doubled(device, x as tf.TensorInfo));
  });
  afterEach(() => forgetChoices());

  it('finds the fastest of those that are right; one that is wrong, silent or broken is never taken', async () => {
    const values = Float32Array.from({ length: SIZE }, (_, i) => i);
    const step = new Step<'x'>(
      'doubling',
      ({ x }) => runOperation(DOUBLED, { x }),
      () => [],
    );
    const x = { values, shape: [SIZE] };
    await step.read({ x });
    expect(shapesOf('doubled')).toEqual([String(SIZE)]);
    const before = memory();
    const refused: string[] = [];
    const unheard = onError(({ message }) => refused.push(message));
    const outcome = await measure({ kernel: 'doubled', shape: String(SIZE) }, never);
    unheard();
    expect(refused).toEqual([expect.stringContaining("unresolved value 'nothing'")]);
    expect(memory()).toEqual(before);
    expect(outcome?.choice).toMatchObject({ kernel: 'doubled', shape: '64', variant: 'right' });
    expect(outcome?.choice?.ms).toBeGreaterThan(0);
    expect(outcome?.refusals.map(({ variant }) => variant)).toEqual(['wrong', 'silent', 'broken']);
    applyOutcome(outcome!);
    expect(variantsOf('doubled', device)).toEqual(['slow', 'right']);
    expect(choose(device, '1', [WRONG, SLOW]).name).toBe('slow');
    // The recorded step takes it up too, and gives what it gave.
    const [y] = await step.read({ x });
    expect(y).toEqual(values.map((value) => 2 * value));
    expect(choose(device, String(SIZE), ORDER).name).toBe('right');
    step.dispose();
  });

  it('measures the products and the attention of a small model: all agree, and one of them is chosen', async () => {
    tf.tidy(() => {
      const [a, b] = [tf.ones<tf.Rank.R2>([20, 16]), tf.ones<tf.Rank.R2>([16, 32])];
      tf.grads((...[l, r]) => matrixProduct(l as tf.Tensor2D, r as tf.Tensor2D))([a, b], tf.ones([20, 32]));
      const qkv = tf.ones<tf.Rank.R3>([2, 12, 48]);
      const start = tf.zeros<tf.Rank.R1>([2], 'int32');
      tf.grad((x) => causalAttention(x as tf.Tensor3D, start, 2))(qkv, tf.ones([2, 12, 16]));
    });
    const shapes = measurableShapes(device).filter(({ kernel }) => kernel !== 'doubled');
    expect(shapes.map(({ kernel, shape }) => `${kernel} ${shape}`).sort()).toEqual([
      'causal attention 2 x 16 x 2 x 8',
      'causal attention backward 2 x 16 x 2 x 8',
      'matrix product NN 32 x 32 x 16',
      'matrix product NT 32 x 16 x 32',
      'matrix product TN 16 x 32 x 32',
    ]);
    const last = tf.tidy(() => tf.square(tf.ones([1])));
    await last.data(); // submits what was recorded, which frees its memory
    last.dispose();
    const before = memory();
    for (const at of shapes) {
      const outcome = await measure(at, never);
      expect(outcome?.refusals).toEqual([]);
      expect(variantsOf(at.kernel, device, at.shape)).toContain(outcome?.choice?.variant);
      applyOutcome(outcome!);
    }
    expect(memory()).toEqual(before);
  });

  it('measures a shape of an earlier visit, which no kernel was asked for yet', async () => {
    const shape = '64 x 48 x 16';
    expect(shapesOf('matrix product NN')).not.toContain(shape);
    const outcome = await measure({ kernel: 'matrix product NN', shape }, never);
    expect(outcome?.choice).toMatchObject({ kernel: 'matrix product NN', shape });
  });

  it('holds every variant against numbers that the plain one computed, not against its own', async () => {
    const contest = await openContest('matrix product NT', '64 x 64 x 64', never);
    const differences = contest!.contestants.map(({ difference }) => difference);
    expect(Math.max(...differences)).toBeLessThan(1e-6);
    contest!.dispose();
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const before = memory();
    const abort = new AbortController();
    const measuring = measure({ kernel: 'matrix product NN', shape: '64 x 64 x 64' }, abort.signal);
    abort.abort();
    expect(await measuring).toBeNull();
    expect(memory()).toEqual(before);
  });
});
