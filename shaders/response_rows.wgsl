// The states that predict a response, out of those of prompt and response.
//
//   states[b, t] = hidden[b, P - 1 + t]
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: hidden [B, T, C]; states [B R, C]; P = T - R at least 1; any sizes.
// Bindings: 0 hidden, 1 states (written), 2 sizes.
// A workgroup of 64 takes 512 `Numbers`, an invocation every 64th of them.
// Numbers: exact.

struct Sizes {
  rows: u32,
  length: u32,
  response: u32,
  c: u32,
}

@group(0) @binding(0) var<storage, read> hidden: array<Numbers>;
@group(0) @binding(1) var<storage, read_write> states: array<Numbers>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = sizes.c / COUNT;
  let first = (group.y * groups.x + group.x) * 512 + lane;
  let end = min(first + 512 - lane, sizes.rows * width);
  for (var i = first; i < end; i += 64) {
    let row = i / width;
    let at = sizes.length - sizes.response - 1 + row % sizes.response;
    states[i] = hidden[(row / sizes.response * sizes.length + at) * width + i % width];
  }
}
