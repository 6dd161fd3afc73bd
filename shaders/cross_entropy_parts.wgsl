// First half of the cross-entropy: maximum and sum of exponentials of each sixteenth of a row of logits.
//
//   parts[m, s] = (highest, total):   highest = max over v of l_v,   total = sum over v of exp(l_v - highest),
//   over the columns v = s, s + 16, s + 32, …; (-3.4e38, 0) where there are none
//
// Shapes: logits [M, V]; parts [M, 16] of two numbers; any sizes.
// Bindings: 0 logits, 1 parts (written), 2 sizes.
// An invocation takes one part, four numbers at a time so that the sum is scaled anew once for four; a workgroup takes four
// rows. No barrier: the other half adds the parts.
// Numbers: float32, with the maximum taken out of every exponential.

struct Sizes {
  m: u32,
  v: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> parts: array<vec2f>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

const LOWEST = -3.4e38;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / 16;
  if (row >= sizes.m) {
    return;
  }
  let first = row * sizes.v;
  var highest = LOWEST;
  var total = 0.0;
  for (var v = id.x % 16; v < sizes.v; v += 64) {
    let columns = v + vec4u(0, 16, 32, 48);
    let at = first + min(columns, vec4u(sizes.v - 1));
    let read = vec4f(logits[at.x], logits[at.y], logits[at.z], logits[at.w]);
    let four = select(vec4f(LOWEST), read, columns < vec4u(sizes.v));
    let higher = max(max(highest, max(four.x, four.y)), max(four.z, four.w));
    let weights = exp(four - higher);
    total = total * exp(highest - higher) + (weights.x + weights.y) + (weights.z + weights.w);
    highest = higher;
  }
  parts[id.x] = vec2f(highest, total);
}
