// One number of each state in a range of positions: a linear layer with one output.
//
//   y[b, t] = sum over c of hidden[b, first + t, c] weight[c] + bias
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: hidden [B, T, C]; weight [C]; bias one number; y [B, N]; any sizes.
// Bindings: 0 hidden, 1 weight, 2 bias, 3 y (written), 4 sizes.
// An invocation takes one state, a workgroup 32; no barrier.
// Numbers: float32. 1e-5 against the reference.

struct Sizes {
  rows: u32,
  length: u32,
  first: u32,
  count: u32,
  c: u32,
}

@group(0) @binding(0) var<storage, read> hidden: array<Numbers>;
@group(0) @binding(1) var<storage, read> weight: array<Numbers>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= sizes.rows) {
    return;
  }
  let width = sizes.c / COUNT;
  let begin = (row / sizes.count * sizes.length + sizes.first + row % sizes.count) * width;
  var sum = Numbers();
  for (var c = 0u; c < width; c += 1) {
    sum += hidden[begin + c] * weight[c];
  }
  y[row] = sum_of(sum) + bias[0];
}
