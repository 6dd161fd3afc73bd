// Gradients of the scores of replies.
//
//   dscalars = dscore pooling,   dlogProbs = dscore u mask,   du = sum over b of dscore[b] logLikelihood[b]
//
// Shapes: pooling, dscalars [B, T]; mask, dlogProbs [B, R]; u, du one number; logLikelihood, dscore [B]; any sizes.
// Bindings: 0 pooling, 1 mask, 2 u, 3 logLikelihood, 4 dscore, 5 dscalars, 6 dlogProbs, 7 du (5 to 7 written), 8 sizes.
// An invocation takes one token, a workgroup 64; the first of all also adds up du, in order. No barrier.
// Numbers: float32. 1e-5 against the reference.

struct Sizes {
  rows: u32,
  length: u32,
  response: u32,
}

@group(0) @binding(0) var<storage, read> pooling: array<f32>;
@group(0) @binding(1) var<storage, read> mask: array<f32>;
@group(0) @binding(2) var<storage, read> likelihood: array<f32>;
@group(0) @binding(3) var<storage, read> log_likelihood: array<f32>;
@group(0) @binding(4) var<storage, read> d_score: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_scalars: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_log_probs: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_likelihood: array<f32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let token = id.x;
  if (token < sizes.rows * sizes.length) {
    d_scalars[token] = d_score[token / sizes.length] * pooling[token];
  }
  if (token < sizes.rows * sizes.response) {
    d_log_probs[token] = d_score[token / sizes.response] * likelihood[0] * mask[token];
  }
  if (token == 0) {
    var sum = 0.0;
    for (var row = 0u; row < sizes.rows; row += 1) {
      sum += d_score[row] * log_likelihood[row];
    }
    d_likelihood[0] = sum;
  }
}
