// Token plus position embedding of left-padded rows.
//
//   x[b, t] = wte[ids[b, t]] + wpe[max(offset + t - start[b], 0)]
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: ids [B, T] int32, each in [0, V); start [B] int32; wte [V, C]; wpe [N, C]; x [B, T, C]; any sizes.
// Bindings: 0 ids, 1 start, 2 wte, 3 wpe, 4 offset [1] int32 (read with `OFFSET_FROM_TENSOR`, where a replayed step is to
// find it), 5 x (written), 6 sizes.
// A workgroup of 64 takes 512 of `Numbers`; a lane takes every 64th of them.
// Numbers: float32, one addition: the same bits as the reference.

override OFFSET_FROM_TENSOR: bool = false;

struct Sizes {
  m: u32, // B T
  t: u32,
  c: u32,
  offset: i32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> start: array<i32>;
@group(0) @binding(2) var<storage, read> wte: array<Numbers>;
@group(0) @binding(3) var<storage, read> wpe: array<Numbers>;
@group(0) @binding(4) var<storage, read> offset: array<i32>;
@group(0) @binding(5) var<storage, read_write> x: array<Numbers>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var column_0 = sizes.offset;
  if (OFFSET_FROM_TENSOR) { column_0 = offset[0]; }
  let width = sizes.c / COUNT;
  let first = (group.y * groups.x + group.x) * 512 + lane;
  let end = min(first + 512, sizes.m * width);
  for (var i = first; i < end; i += 64) {
    let token = i / width;
    let column = i % width;
    let position = u32(max(column_0 + i32(token % sizes.t) - start[token / sizes.t], 0));
    x[i] = wte[ids[token] * width + column] + wpe[position * width + column];
  }
}
