/**
 * Runs whole WGSL modules on tfjs tensors, inside the command stream of tfjs's own WebGPU backend, so that our kernels
 * and tfjs's follow each other in one pass and a disposed tensor waits for the commands that use it.
 *
 * Bindings of every module, all in group 0, in this order: inputs (`storage, read`), in-place tensors and then outputs
 * (`storage, read_write`), and last the parameters (`uniform`), if there are any.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { KernelError } from '../errors';
import { bindingOf, internalsOf } from './backendInternals';
import { takeHome } from './gradientHomes';
import { pipelineOf } from './pipeline';
import { noted } from './pipelineRequests';

export interface Kernel {
  /** Names the kernel in labels and errors: the shader's file name without its ending. */
  name: string;
  /** The whole WGSL module. */
  source: string;
  /** `main` unless given. */
  entryPoint?: string;
}

export interface OutputSpec {
  shape: number[];
  dtype: 'float32' | 'int32';
  /** The parameter whose whole gradient this output is, see `gradientHomes.ts`. */
  home?: tf.TensorInfo;
}

/** One 4-byte number of the parameter struct, in the struct's order. */
export type Parameter = { u32: number } | { i32: number } | { f32: number };

export interface KernelCall {
  inputs?: tf.TensorInfo[];
  /** Read and written where they are; their shapes stay. */
  inPlace?: tf.TensorInfo[];
  outputs?: OutputSpec[];
  /** `override` constants; each set of values is a pipeline of its own. */
  constants?: Record<string, number>;
  /** A uniform struct of scalars: what may change from call to call without a new pipeline. */
  params?: Parameter[];
  workgroups: readonly [x: number, y?: number, z?: number];
}

/**
 * Records one dispatch.
 *
 * @returns a tensor for each of `outputs`, uninitialised where the kernel does not write; the caller (tfjs, when called
 *   from a registered kernel) owns them. Without any workgroup to run they are returned as they are.
 * @throws KernelError when the current backend is not WebGPU, or a size or number is over the device's limits, or a
 *   tensor is written and bound a second time.
 */
export function runKernel(kernel: Kernel, call: KernelCall): tf.TensorInfo[] {
  const backend = webGpuBackend(kernel.name);
  const { inputs = [], inPlace = [], constants = {}, params = [] } = call;
  const outputs = (call.outputs ?? []).map(
    ({ shape, dtype, home }) => takeHome(home) ?? backend.makeTensorInfo(shape, dtype),
  );
  const [x, y = 1, z = 1] = call.workgroups;
  if (x * y * z === 0) return outputs;

  const written = [...inPlace, ...outputs];
  const counts = { inputs: inputs.length, written: written.length, uniform: params.length > 0 };
  if (noted({ kernel, constants, counts })) return outputs;

  const tensors = [...inputs, ...written];
  const bindings = tensors.map((tensor) => bindingOfInput(backend, kernel, tensor));
  checkCall(backend.device, kernel, [x, y, z], bindings, inputs.length);

  const { pipeline, layout } = pipelineOf(backend.device, { kernel, constants, counts });
  const stream = internalsOf(backend);
  const entries: GPUBindGroupEntry[] = bindings.map((resource, binding) => ({ binding, resource }));
  if (params.length > 0) {
    const uniform = uploadParams(backend, params);
    stream.uniformPendingDisposal.push(uniform);
    entries.push({ binding: bindings.length, resource: { buffer: uniform } });
  }
  const bindGroup = backend.device.createBindGroup({ label: kernel.name, layout, entries });

  for (const { dataId } of tensors) stream.commandQueueOwnedIds.add(dataId);
  backend.ensureCommandEncoderReady();
  // As the backend does: one open pass, shared by all dispatches.
  stream.computePassEncoder ??= (stream.commandEncoder as GPUCommandEncoder).beginComputePass();
  stream.computePassEncoder.setPipeline(pipeline);
  stream.computePassEncoder.setBindGroup(0, bindGroup);
  stream.computePassEncoder.dispatchWorkgroups(x, y, z);
  stream.dispatchCountInPass += 1;
  if (stream.dispatchCountInPass >= tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
  return outputs;
}

/** An uninitialised tensor that several kernels write parts of; see `disposeScratch`. */
export function emptyTensor(shape: number[], dtype: OutputSpec['dtype']): tf.TensorInfo {
  return webGpuBackend('emptyTensor').makeTensorInfo(shape, dtype);
}

/** Gives back tensors that one kernel made for the next; the memory is free once the recorded commands ran. */
export function disposeScratch(tensors: tf.TensorInfo[]): void {
  const backend = webGpuBackend('disposeScratch');
  for (const { dataId } of tensors) backend.disposeData(dataId);
}

/** Workgroups for `invocations`, spread over x and y where one dimension would be over the limit of 65535. */
export function workgroupsFor(invocations: number, workgroupSize: number): [number, number] {
  const count = Math.ceil(invocations / workgroupSize);
  const rows = Math.ceil(count / MAX_WORKGROUPS_X);
  return [Math.ceil(count / Math.max(rows, 1)), rows];
}

/** The least that WebGPU promises for `maxComputeWorkgroupsPerDimension`. */
const MAX_WORKGROUPS_X = 65535;

/** The running WebGPU backend. Its name is enough to know it: only `gpu/webgpu.ts` registers one. */
export function webGpuBackend(user: string): WebGPUBackend {
  if (tf.getBackend() !== 'webgpu') {
    throw new KernelError(user, `expected the backend webgpu, got ${tf.getBackend()}`);
  }
  return tf.backend() as WebGPUBackend;
}

function bindingOfInput(backend: WebGPUBackend, kernel: Kernel, tensor: tf.TensorInfo): GPUBufferBinding {
  if (tf.util.sizeFromShape(tensor.shape) === 0) {
    throw new KernelError(
      kernel.name,
      `expected tensors with numbers in them, got one of shape [${tensor.shape.join(', ')}]`,
    );
  }
  backend.uploadToGPU(tensor.dataId);
  return bindingOf(backend, tensor.dataId);
}

function checkCall(
  device: GPUDevice,
  kernel: Kernel,
  workgroups: number[],
  bindings: GPUBufferBinding[],
  inputs: number,
): void {
  const { maxComputeWorkgroupsPerDimension, maxStorageBuffersPerShaderStage, maxStorageBufferBindingSize } =
    device.limits;
  if (workgroups.some((count) => count > maxComputeWorkgroupsPerDimension)) {
    throw new KernelError(
      kernel.name,
      `expected at most ${maxComputeWorkgroupsPerDimension} workgroups a dimension, got ${workgroups.join(' x ')}`,
    );
  }
  if (bindings.length > maxStorageBuffersPerShaderStage) {
    throw new KernelError(
      kernel.name,
      `needs ${bindings.length} storage buffers, and this device has ${maxStorageBuffersPerShaderStage}`,
    );
  }
  bindings.forEach(({ buffer, offset, size = buffer.size }, i) => {
    if (size > maxStorageBufferBindingSize) {
      throw new KernelError(
        kernel.name,
        `tensor ${i} has ${size} bytes, and this device binds at most ${maxStorageBufferBindingSize}`,
      );
    }
    const twin = bindings.findIndex((other) => other.buffer === buffer && other.offset === offset);
    if (i >= inputs && twin !== i) {
      throw new KernelError(kernel.name, `tensor ${i} is written and shares its memory with tensor ${twin}`);
    }
  });
}

function uploadParams(backend: WebGPUBackend, params: Parameter[]): GPUBuffer {
  const bytes = new DataView(new ArrayBuffer(Math.ceil(params.length / 4) * 16));
  params.forEach((param, i) => {
    if ('u32' in param) bytes.setUint32(4 * i, param.u32, true);
    else if ('i32' in param) bytes.setInt32(4 * i, param.i32, true);
    else bytes.setFloat32(4 * i, param.f32, true);
  });
  const uniform = backend.bufferManager.acquireBuffer(
    bytes.byteLength,
    GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  );
  backend.queue.writeBuffer(uniform, 0, bytes.buffer);
  return uniform;
}
