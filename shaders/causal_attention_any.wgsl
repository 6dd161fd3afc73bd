// Multi-head causal self-attention of left-padded rows, for any head size.
//
//   out_t = sum over j of p_tj v_j,   p_tj = exp(s_tj - lse_t),   s_tj = q_t k_j / sqrt(D),   start <= j <= t
//
// Shapes: qkv [B, T, 3C]: queries, keys, values side by side, H heads of D = C / H each; start [B] int32; out [B, T, C];
// lse [B, H, T]; any sizes. Rows t < start give out 0 and lse 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse (2 and 3 written), 4 sizes.
// An invocation takes one row t of one head and walks over the keys with an online softmax; its sum lies in `out`, since
// registers would bound D. A workgroup takes 32 rows of one head. No barrier.
// Numbers: float32; the running maximum is taken out of every exponential. 5e-6 against the reference.

struct Sizes {
  t: u32,
  heads: u32,
  size: u32, // D
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.x;
  let head = id.y;
  let batch = id.z;
  if (t >= sizes.t) {
    return;
  }
  let width = sizes.heads * sizes.size; // C
  let row = batch * sizes.t * 3 * width + head * sizes.size;
  let query = row + t * 3 * width;
  let at = (batch * sizes.t + t) * width + head * sizes.size;
  for (var d = 0u; d < sizes.size; d += 1) {
    out[at + d] = 0;
  }
  var highest = -3.4e38;
  var total = 0.0;
  for (var j = u32(max(start[batch], 0)); j <= t; j += 1) {
    let key = row + j * 3 * width + width;
    let value = key + width;
    var score = 0.0;
    for (var d = 0u; d < sizes.size; d += 1) {
      score += qkv[query + d] * qkv[key + d];
    }
    score *= sizes.scale;
    let higher = max(highest, score);
    let keep = exp(highest - higher);
    let weight = exp(score - higher);
    highest = higher;
    total = total * keep + weight;
    for (var d = 0u; d < sizes.size; d += 1) {
      out[at + d] = out[at + d] * keep + qkv[value + d] * weight;
    }
  }
  let seen = total > 0;
  let scale = select(0.0, 1 / total, seen);
  for (var d = 0u; d < sizes.size; d += 1) {
    out[at + d] *= scale;
  }
  lse[(batch * sizes.heads + head) * sizes.t + t] = select(0.0, highest + log(total), seen);
}
