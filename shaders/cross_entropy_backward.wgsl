// Gradient of the weighted cross-entropy with respect to the logits.
//
//   dlogits = dy weights_m (p - 1[v = target_m]),   p = exp(l - lse)
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: logits, dlogits [M, V]; targets [M] int32; weights, lse [M]; dy one number; any sizes.
// Bindings: 0 logits, 1 targets, 2 weights, 3 lse, 4 dy, 5 dlogits (written), 6 sizes.
// A workgroup of 64 takes up to 256 columns of `Numbers` of four rows; sixteen lanes share a row, each taking every
// sixteenth column.
// Numbers: float32. 5e-6 against the reference.

struct Sizes {
  m: u32,
  v: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<Numbers>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_logits: array<Numbers>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x * 4 + lane / 16;
  if (row >= sizes.m) {
    return;
  }
  let width = sizes.v / COUNT;
  let first = row * width;
  let factor = dy[0] * weights[row];
  let row_lse = lse[row];
  let target_column = targets[row];
  let end = min(group.y * 256 + 256, width);
  for (var v = group.y * 256 + lane % 16; v < end; v += 16) {
    d_logits[first + v] = factor * (exp(logits[first + v] - row_lse) - mark(v * COUNT, target_column));
  }
}
