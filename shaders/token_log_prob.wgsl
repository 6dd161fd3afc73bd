// Log-probability of one token a row and the entropy of the row's distribution, from logits at a temperature.
//
//   l = logits / T,  lse = log sum exp l,  logProb = l[target] - lse,  entropy = lse - sum p l,  p = exp(l - lse)
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: logits [M, V]; targets [M] int32, each in [0, V); logProb, entropy, lse [M]; any sizes.
// Bindings: 0 logits, 1 targets, 2 logProb, 3 entropy, 4 lse (2 to 4 written), 5 sizes.
// An invocation takes one row, a workgroup 32 rows; no barrier. One sweep over the row, with a running maximum.
// Numbers: float32, with the maximum taken out of every exponential and of the entropy.
// 5e-6 against the reference.

struct Sizes {
  m: u32,
  v: u32,
  inverse_temperature: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<Numbers>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> log_prob: array<f32>;
@group(0) @binding(3) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= sizes.m) {
    return;
  }
  let width = sizes.v / COUNT;
  let first = row * width;
  var highest = max_of(logits[first]);
  var total = 0.0;
  var weighted = 0.0; // Of logits less the maximum, which moves.
  for (var v = 0u; v < width; v += 1) {
    let read = logits[first + v];
    let higher = max(highest, max_of(read));
    let drop = (highest - higher) * sizes.inverse_temperature;
    let keep = exp(drop);
    let shifted = (read - higher) * sizes.inverse_temperature;
    let weights = exp(shifted);
    weighted = (weighted + total * drop) * keep + sum_of(weights * shifted);
    total = total * keep + sum_of(weights);
    highest = higher;
  }
  let log_total = log(total);
  let hit = targets[row];
  let target_logit = number_at(logits[first + hit / COUNT], hit % COUNT);
  let shifted_target = (target_logit - highest) * sizes.inverse_temperature;
  log_prob[row] = shifted_target - log_total;
  entropy[row] = log_total - weighted / total;
  lse[row] = highest * sizes.inverse_temperature + log_total;
}
