import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GpuValidationError } from '../errors';
import { Arena } from './arena';
import { type Device, startDevice } from './device';
import { type Kernel, runKernel } from './kernel';
import { memory } from './memory';
import { rehearse } from './rehearsal';
import { Step } from './step';

const DOUBLE: Kernel = {
  name: 'double',
  source: /* wgsl */ `
override BY: f32 = 2.0;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = BY * x[id.x]; }`,
};

function times(by: number, x: tf.Tensor, kernel = DOUBLE): tf.Tensor {
  const [y] = runKernel(kernel, {
    inputs: [x],
    outputs: [{ shape: x.shape, dtype: 'float32' }],
    constants: { BY: by },
    workgroups: [x.size],
  });
  return tf.engine().makeTensorFromTensorInfo(y as tf.TensorInfo);
}

describe('a rehearsal', () => {
  let device: Device;
  /** Calls that make or do something on the device. */
  let calls: string[] = [];
  const WATCHED = ['createBuffer', 'createBindGroup', 'createCommandEncoder', 'createComputePipeline'] as const;
  const originals = Object.fromEntries(WATCHED.map((name) => [name, GPUDevice.prototype[name]]));
  const submit = GPUQueue.prototype.submit;

  beforeEach(async () => {
    device = await startDevice('webgpu');
    calls = [];
    for (const name of WATCHED) {
      Object.assign(GPUDevice.prototype, {
        [name](this: GPUDevice, ...args: unknown[]): unknown {
          calls.push(name);
          return (originals[name] as (...args: unknown[]) => unknown).apply(this, args);
        },
      });
    }
    GPUQueue.prototype.submit = function (commands) {
      calls.push('submit');
      return submit.call(this, commands);
    };
  });
  afterEach(() => {
    Object.assign(GPUDevice.prototype, originals);
    GPUQueue.prototype.submit = submit;
    device.destroy();
  });

  it('makes nothing on the device, runs nothing, and leaves every tensor as it was', async () => {
    const onHost = tf.variable(tf.tensor1d([1, 2, 3]));
    const onDevice = tf.variable(tf.add(tf.tensor1d([1, 2, 3]), 1));
    const step = new Step(
      'sum',
      ({ x }) => {
        const arena = new Arena(new Map([['home', [3]]]));
        arena.copyFrom('home', onDevice);
        const home = arena.view('home');
        const sum = tf.add(times(3, home), tf.mul(times(2, onHost), x as tf.Tensor));
        home.dispose();
        return [sum];
      },
      () => [onHost, onDevice],
    );
    await onDevice.data(); // nothing is left to be submitted
    const before = memory();
    calls = [];
    rehearse(() => {
      let read = false;
      void step.read({ x: { values: Float32Array.of(1, 2, 3), shape: [3] } }).then(() => (read = true));
      expect(read).toBe(false);
    });
    expect(calls).toEqual([]);
    expect(memory()).toEqual(before);
    expect(step.tapes).toEqual([]);
    expect(Array.from(await onHost.data())).toEqual([1, 2, 3]);
    expect(Array.from(await onDevice.data())).toEqual([2, 3, 4]);
  });

  it('gives what makes the pipelines, of ours and of tfjs, that are missing; running the code then makes none', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const code = (): tf.Tensor => tf.tidy(() => tf.atan2(times(5, times(7, times(5, x))), x));
    const makes = rehearse(() => void code());
    expect(makes.length).toBe(3);
    for (const make of makes) await make();
    expect(rehearse(() => void code())).toEqual([]);
    const y = code();
    expect((await y.data())[0]).toBeCloseTo(Math.atan2(175, 1), 5);
    expect(calls).not.toContain('createComputePipeline');
  });

  it('whoever cannot wait for a pipeline makes it, whether it is ours or of tfjs', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const code = (): tf.Tensor => tf.tidy(() => tf.squaredDifference(times(11, x), x));
    const making = Promise.all(rehearse(() => void code()).map((make) => make()));
    const y = code();
    expect(Array.from(await y.data())).toEqual([100, 400, 900]);
    await making;
    expect(Array.from(await code().data())).toEqual([100, 400, 900]);
  });

  it('a mistake in a shader is reported with its line when the kernel is run, and not before', async () => {
    const errors: GpuValidationError[] = [];
    device.onError((error) => errors.push(error));
    const broken = { name: 'broken ahead', source: DOUBLE.source.replace('BY * x', 'BY + 1i * x') };
    const x = tf.tensor1d([1]);
    for (const make of rehearse(() => void times(2, x, broken))) await make();
    expect(errors).toEqual([]);
    const reported = new Promise<GpuValidationError>((resolve) => device.onError(resolve));
    times(2, x, broken);
    expect((await reported).message).toContain('broken ahead.wgsl:6:');
  });
});
