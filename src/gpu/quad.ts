/**
 * Whether four consecutive invocations of a workgroup are a quad. WGSL says that quads have four invocations and not
 * which ones, so kernels that share numbers within a quad run only on a device that was seen to group them so.
 */

/** Devices that passed `testQuads`; dies with the device. */
const passed = new WeakMap<GPUDevice, boolean>();

/** True once `testQuads` has passed on this device; false before, so that kernels without quads run until then. */
export function quadsWork(device: GPUDevice): boolean {
  return passed.get(device) ?? false;
}

/**
 * Asks the device itself, once: a small kernel, in workgroups of the shapes that our kernels have, writes what each
 * invocation hears from the lanes of its quad.
 *
 * @returns what `quadsWork` says from now on; false too where the device lacks the feature `subgroups` or fails
 */
export async function testQuads(device: GPUDevice): Promise<boolean> {
  const known = passed.get(device);
  if (known !== undefined) return known;
  const works = device.features.has('subgroups') && (await layoutsAgree(device));
  passed.set(device, works);
  return works;
}

/** x and y sizes of workgroups; x is a multiple of 4 in every kernel that uses quads. */
const WORKGROUPS = [
  [4, 1],
  [4, 16],
  [8, 4],
  [16, 4],
  [64, 1],
] as const;

const GROUPS = 2;
/** Numbers that an invocation writes: four broadcasts and three swaps, and one to fill two vec4s. */
const HEARD = 8;

const SOURCE = /* wgsl */ `
enable subgroups;
override X: u32;
override Y: u32;
@group(0) @binding(0) var<storage, read_write> heard: array<vec4u>;
@compute @workgroup_size(X, Y)
fn main(@builtin(local_invocation_index) index: u32, @builtin(workgroup_id) group: vec3u) {
  let own = group.x * X * Y + index;
  heard[2 * own] = vec4u(quadBroadcast(own, 0), quadBroadcast(own, 1), quadBroadcast(own, 2), quadBroadcast(own, 3));
  heard[2 * own + 1] = vec4u(quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own), own);
}`;

function expectedOf(own: number): number[] {
  const first = own - (own % 4);
  return [first, first + 1, first + 2, first + 3, own ^ 1, own ^ 2, own ^ 3, own];
}

async function layoutsAgree(device: GPUDevice): Promise<boolean> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: 'quad test', code: SOURCE });
  const results = Promise.all(WORKGROUPS.map(([x, y]) => heardBy(device, module, x, y)));
  const error = device.popErrorScope();
  try {
    return (
      (await Promise.all([results, error]))[1] === null &&
      (await results).every((heard) =>
        heard.every((value, i) => value === expectedOf(Math.floor(i / HEARD))[i % HEARD]),
      )
    );
  } catch {
    // A device that refuses the kernel, or was lost meanwhile, has no quads to offer.
    return false;
  }
}

async function heardBy(device: GPUDevice, module: GPUShaderModule, x: number, y: number): Promise<Uint32Array> {
  const size = GROUPS * x * y * HEARD * Uint32Array.BYTES_PER_ELEMENT;
  const heard = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const copy = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  try {
    const pipeline = device.createComputePipeline({
      label: 'quad test',
      layout: 'auto',
      compute: { module, constants: { X: x, Y: y } },
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [{ binding: 0, resource: { buffer: heard } }],
      }),
    );
    pass.dispatchWorkgroups(GROUPS);
    pass.end();
    encoder.copyBufferToBuffer(heard, 0, copy, 0, size);
    device.queue.submit([encoder.finish()]);
    await copy.mapAsync(GPUMapMode.READ);
    return new Uint32Array(copy.getMappedRange().slice(0));
  } finally {
    heard.destroy();
    copy.destroy();
  }
}
