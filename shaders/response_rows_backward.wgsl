// Gradient of the choice of a response's states with respect to all states.
//
//   dhidden[b, P - 1 + t] = dstates[b, t], and 0 elsewhere;   + dpassed
//
// dpassed is the gradient of hidden where it goes on beside the choice; without `PASSED` it is not read.
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: dstates [B R, C]; dpassed, dhidden [B, T, C]; P = T - R at least 1; any sizes.
// Bindings: 0 dstates, 1 dpassed, 2 dhidden (written), 3 sizes.
// A workgroup of 64 takes 512 `Numbers`, an invocation every 64th of them.
// Numbers: exact.

override PASSED: bool = true;

struct Sizes {
  tokens: u32,
  length: u32,
  response: u32,
  c: u32,
}

@group(0) @binding(0) var<storage, read> d_states: array<Numbers>;
@group(0) @binding(1) var<storage, read> d_passed: array<Numbers>;
@group(0) @binding(2) var<storage, read_write> d_hidden: array<Numbers>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = sizes.c / COUNT;
  let before = sizes.length - sizes.response - 1; // of the first state that is chosen
  let first = (group.y * groups.x + group.x) * 512 + lane;
  let end = min(first + 512 - lane, sizes.tokens * width);
  for (var i = first; i < end; i += 64) {
    let token = i / width;
    let at = token % sizes.length;
    var d = Numbers();
    if (at >= before && at - before < sizes.response) {
      d = d_states[(token / sizes.length * sizes.response + at - before) * width + i % width];
    }
    if (PASSED) { d += d_passed[i]; }
    d_hidden[i] = d;
  }
}
