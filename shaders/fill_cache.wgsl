// Puts the keys and values of a prompt into a cache.
//
//   cache[b, t, :] = qkv[b, t, C:],   0 <= t < P
//
// Shapes: qkv [B, P, 3C], cache [B, N, 2C], N >= P; any sizes. Bindings: 0 qkv, 1 cache (written in part), 2 sizes.
// A workgroup of 64 takes 512 numbers; a lane takes every 64th.

struct Sizes {
  batch: u32,
  length: u32,
  width: u32,
  capacity: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> cache: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let doubled = 2 * sizes.width;
  let first = (group.y * groups.x + group.x) * 512 + lane;
  let last = min(first + 512, sizes.batch * sizes.length * doubled);
  for (var i = first; i < last; i += 64) {
    let row = i / doubled; // b P + t
    let column = i % doubled;
    let b = row / sizes.length;
    let t = row % sizes.length;
    cache[(b * sizes.capacity + t) * doubled + column] = qkv[row * 3 * sizes.width + sizes.width + column];
  }
}
