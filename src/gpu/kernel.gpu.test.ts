import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GpuValidationError, KernelError } from '../errors';
import { type Device, startDevice } from './device';
import { type Kernel, runKernel, workgroupsFor } from './kernel';

const SCALE_AND_SQUARE: Kernel = {
  name: 'scale_and_square',
  source: /* wgsl */ `
override FACTOR: f32 = 1.0;
struct Params { n: u32, shift: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<f32>;
@group(0) @binding(2) var<storage, read_write> scaled: array<f32>;
@group(0) @binding(3) var<storage, read_write> squared: array<i32>;
@group(0) @binding(4) var<uniform> params: Params;
@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.n) { return; }
  scaled[i] = x[i] * FACTOR + params.shift;
  squared[i] = i32(x[i] * x[i]);
  total[i] += x[i];
}`,
};

const tensorOf = (info: tf.TensorInfo): tf.Tensor => tf.engine().makeTensorFromTensorInfo(info);
const numbers = async (tensor: tf.Tensor): Promise<number[]> => Array.from(await tensor.data());

describe('the kernel runner', () => {
  let device: Device;
  beforeAll(async () => {
    device = await startDevice('webgpu');
    expect(device.report.backend).toBe('webgpu');
  });

  const run = (x: tf.Tensor, total: tf.Tensor, factor: number, shift: number): tf.Tensor[] =>
    runKernel(SCALE_AND_SQUARE, {
      inputs: [x],
      inPlace: [total],
      outputs: [
        { shape: x.shape, dtype: 'float32' },
        { shape: x.shape, dtype: 'int32' },
      ],
      constants: { FACTOR: factor },
      params: [{ u32: x.size }, { f32: shift }],
      workgroups: workgroupsFor(x.size, 4),
    }).map(tensorOf);

  it('serves several outputs, constants and parameters, in order with tfjs ops', async () => {
    const x = tf.add(tf.tensor1d([0, 1, 2, 3, 4]), 1);
    const total = tf.zeros([5]);
    const [scaled, squared] = run(x, total, 10, 0.5) as [tf.Tensor, tf.Tensor];
    expect(await numbers(tf.neg(scaled))).toEqual([-10.5, -20.5, -30.5, -40.5, -50.5]);
    expect(await numbers(squared)).toEqual([1, 4, 9, 16, 25]);
    const [again] = run(x, total, -1, 0) as [tf.Tensor];
    expect(await numbers(again)).toEqual([-1, -2, -3, -4, -5]);
  });

  it('a read after an in-place write sees the write, even if a read was under way when it was recorded', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const total = tf.tensor1d([10, 20, 30]);
    const before = total.data();
    run(x, total, 1, 0);
    expect(Array.from(await before)).toEqual([10, 20, 30]);
    expect(await numbers(total)).toEqual([11, 22, 33]);
    run(x, total, 1, 0);
    expect(await numbers(total)).toEqual([12, 24, 36]);
  });

  it('a tensor may be disposed as soon as its last dispatch is recorded', async () => {
    const total = tf.zeros([3]);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 200; i++) {
      const x = tf.fill([3], i);
      for (const output of run(x, total, 1, 0)) output.dispose();
      x.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
    expect(await numbers(total)).toEqual([19900, 19900, 19900]);
  });

  it('refuses memory that is written and bound twice, empty tensors and too many workgroups', () => {
    const x = tf.tensor1d([1, 2, 3]);
    expect(() => run(x, tf.reshape(x, [3, 1]), 1, 0)).toThrow(KernelError);
    expect(() => run(tf.zeros([0, 3]), tf.zeros([1]), 1, 0)).not.toThrow();
    expect(() => runKernel(SCALE_AND_SQUARE, { inputs: [tf.zeros([0])], workgroups: [1] })).toThrow(/\[0\]/);
    expect(() => runKernel(SCALE_AND_SQUARE, { inputs: [x], workgroups: [1e6] })).toThrow(/65535/);
  });

  it('names the kernel and shows the line when the shader is wrong', async () => {
    const reported = new Promise<GpuValidationError>((resolve) => device.onError(resolve));
    const source = SCALE_AND_SQUARE.source.replace('let i = id.x;', 'let i = id.x + 1.5;');
    const broken = { name: 'broken_kernel', source };
    runKernel(broken, { inputs: [tf.tensor1d([1])], workgroups: [1] });
    const { message } = await reported;
    expect(message).toContain('broken_kernel.wgsl:11:');
    expect(message).toContain('let i = id.x + 1.5;');
  });
});

describe('workgroupsFor', () => {
  it('covers all invocations within the limit of each dimension', () => {
    for (const invocations of [0, 1, 64, 65, 4_194_240, 4_194_241, 100_000_000]) {
      const [x, y] = workgroupsFor(invocations, 64);
      expect(x * y * 64).toBeGreaterThanOrEqual(invocations);
      expect(Math.max(x, y)).toBeLessThanOrEqual(65535);
    }
  });
});
