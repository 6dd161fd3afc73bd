// Scores of replies: the pooled scalars and the weighted log-likelihood.
//
//   logLikelihood[b] = sum over t of mask[b, t] logProbs[b, t],
//   score[b] = sum over t of pooling[b, t] scalars[b, t] + u logLikelihood[b]
//
// Shapes: scalars, pooling [B, T]; logProbs, mask [B, R]; u one number; score, logLikelihood [B]; any sizes.
// Bindings: 0 scalars, 1 pooling, 2 logProbs, 3 mask, 4 u, 5 score, 6 logLikelihood (5 and 6 written), 7 sizes.
// An invocation takes one reply, a workgroup 4; no barrier.
// Numbers: float32. 1e-5 against the reference.

struct Sizes {
  rows: u32,
  length: u32,
  response: u32,
}

@group(0) @binding(0) var<storage, read> scalars: array<f32>;
@group(0) @binding(1) var<storage, read> pooling: array<f32>;
@group(0) @binding(2) var<storage, read> log_probs: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read> likelihood: array<f32>;
@group(0) @binding(5) var<storage, read_write> score: array<f32>;
@group(0) @binding(6) var<storage, read_write> log_likelihood: array<f32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= sizes.rows) {
    return;
  }
  var pooled = 0.0;
  for (var t = row * sizes.length; t < (row + 1) * sizes.length; t += 1) {
    pooled += pooling[t] * scalars[t];
  }
  var total = 0.0;
  for (var t = row * sizes.response; t < (row + 1) * sizes.response; t += 1) {
    total += mask[t] * log_probs[t];
  }
  log_likelihood[row] = total;
  score[row] = pooled + likelihood[0] * total;
}
