// Copies a tensor to another place, within the pass that its maker runs in.
//
// Shapes: x, y of n numbers each, any n. Bindings: 0 x, 1 y (written), 2 size.
// A workgroup of 64 takes 512 numbers; a lane takes every 64th. As bits, whatever they mean: a GPU may flush a small
// integer to zero that it takes for a float.

struct Size {
  n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> size: Size;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 512 + lane;
  let last = min(first + 512, size.n);
  for (var i = first; i < last; i += 64) {
    y[i] = x[i];
  }
}
