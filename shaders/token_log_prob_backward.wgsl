// Gradient of a token's log-probability and of the entropy with respect to the logits.
//
//   dlogits = (dLogProb (1[v = target] - p) - dEntropy p (log p + entropy)) / T,   log p = logits / T - lse
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: logits, dlogits [M, V]; targets [M] int32; entropy, lse, dLogProb, dEntropy [M]; any sizes.
// Bindings: 0 logits, 1 targets, 2 entropy, 3 lse, 4 dLogProb, 5 dEntropy, 6 dlogits (written), 7 sizes.
// A workgroup of 64 takes up to 256 columns of `Numbers` of four rows; sixteen lanes share a row, each taking every
// sixteenth column.
// Numbers: float32. 5e-6 against the reference.

struct Sizes {
  m: u32,
  v: u32,
  inverse_temperature: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<Numbers>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> entropy: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> d_log_prob: array<f32>;
@group(0) @binding(5) var<storage, read> d_entropy: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_logits: array<Numbers>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x * 4 + lane / 16;
  if (row >= sizes.m) {
    return;
  }
  let width = sizes.v / COUNT;
  let first = row * width;
  let from_log_prob = d_log_prob[row] * sizes.inverse_temperature;
  let from_entropy = d_entropy[row] * sizes.inverse_temperature;
  let target_column = targets[row];
  let row_lse = lse[row];
  let row_entropy = entropy[row];
  let end = min(group.y * 256 + 256, width);
  for (var v = group.y * 256 + lane % 16; v < end; v += 16) {
    let log_p = logits[first + v] * sizes.inverse_temperature - row_lse;
    let p = exp(log_p);
    let hit = mark(v * COUNT, target_column);
    d_logits[first + v] = from_log_prob * (hit - p) - from_entropy * p * (log_p + row_entropy);
  }
}
