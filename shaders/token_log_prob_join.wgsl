// Second half of the log-probability of one token a row and the entropy of the row's distribution: a row's 64 parts are
// brought to one maximum and added.
//
//   lse = log sum exp l,  logProb = l[target] - lse,  entropy = lse - sum p l,  p = exp(l - lse),  l = logits / T
//
// Shapes: logits [M, V]; targets [M] int32, each in [0, V); parts [M, 64], (highest, total, weighted, 0), from
// token_log_prob_parts; logProb, entropy, lse [M]; any sizes.
// Bindings: 0 logits, 1 targets, 2 parts, 3 logProb, 4 entropy, 5 lse (3 to 5 written), 6 sizes.
// An invocation takes one row, a workgroup 32 rows; no barrier. The parts are added in their order.
// Numbers: float32, with the maximum taken out of every exponential and of the entropy. 1e-5 against the reference.

struct Sizes {
  m: u32,
  v: u32,
  inverse_temperature: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> parts: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> log_prob: array<f32>;
@group(0) @binding(4) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= sizes.m) {
    return;
  }
  var highest = parts[64 * row].x;
  for (var part = 1u; part < 64; part += 1) {
    highest = max(highest, parts[64 * row + part].x);
  }
  var total = 0.0;
  var weighted = 0.0;
  for (var part = 0u; part < 64; part += 1) {
    let one = parts[64 * row + part];
    let drop = (one.x - highest) * sizes.inverse_temperature;
    let keep = exp(drop);
    total += one.y * keep;
    weighted += (one.z + one.y * drop) * keep;
  }
  let log_total = log(total);
  let target_logit = logits[row * sizes.v + targets[row]];
  log_prob[row] = (target_logit - highest) * sizes.inverse_temperature - log_total;
  entropy[row] = log_total - weighted / total;
  lse[row] = highest * sizes.inverse_temperature + log_total;
}
