// First half of the cross-entropy: maximum and sum of exponentials of each sixteenth of a row of logits.
//
//   parts[m, s] = (highest, total):   highest = max over v of l_v,   total = sum over v of exp(l_v - highest),
//   over the columns of `Numbers` s, s + 16, s + 32, …; (-3.4e38, 0) where there are none
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: logits [M, V]; parts [M, 16] of two numbers; any sizes.
// Bindings: 0 logits, 1 parts (written), 2 sizes.
// An invocation takes one part with a running maximum, a workgroup four rows. No barrier: the other half adds the parts.
// Numbers: float32, with the maximum taken out of every exponential.

struct Sizes {
  m: u32,
  v: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<Numbers>;
@group(0) @binding(1) var<storage, read_write> parts: array<vec2f>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / 16;
  if (row >= sizes.m) {
    return;
  }
  let width = sizes.v / COUNT;
  let first = row * width;
  var highest = -3.4e38;
  var total = 0.0;
  for (var v = id.x % 16; v < width; v += 16) {
    let read = logits[first + v];
    let higher = max(highest, max_of(read));
    total = total * exp(highest - higher) + sum_of(exp(read - higher));
    highest = higher;
  }
  parts[id.x] = vec2f(highest, total);
}
