// Gradient of causal attention with respect to the keys and values, for any head size.
//
//   dv_j = sum over t of p_tj dy_t,   dk_j = sum over t of ds_tj q_t / sqrt(D),   ds_tj = p_tj (dy_t v_j - delta_t),
//   p_tj = exp(q_t k_j / sqrt(D) - lse_t),   start <= j <= t < T
//
// Shapes: qkv, dqkv [B, T, 3C]; start [B] int32; dy [B, T, C]; lse, delta [B, H, T] (delta from the gradient with respect
// to the queries); any sizes. Keys j < start give 0.
// Bindings: 0 qkv, 1 start, 2 lse, 3 dy, 4 delta, 5 dqkv (its second and last third written), 6 sizes.
// An invocation takes one key j of one head, its sums in `dqkv`. A workgroup takes 32 keys of one head. Each sum is in the
// order of t, by one invocation: no atomics, no barrier, the same bits each time.
// Numbers: float32. 1e-5 against the reference.

struct Sizes {
  t: u32,
  heads: u32,
  size: u32, // D
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<i32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let j = id.x;
  let head = id.y;
  let batch = id.z;
  if (j >= sizes.t) {
    return;
  }
  let width = sizes.heads * sizes.size; // C
  let row = batch * sizes.t * 3 * width + head * sizes.size;
  let key = row + j * 3 * width + width;
  let value = key + width;
  for (var d = 0u; d < sizes.size; d += 1) {
    dqkv[key + d] = 0;
    dqkv[value + d] = 0;
  }
  let statistics = (batch * sizes.heads + head) * sizes.t;
  // Padding is seen by no row.
  let first = select(j, sizes.t, i32(j) < start[batch]);
  for (var t = first; t < sizes.t; t += 1) {
    let query = row + t * 3 * width;
    let at = (batch * sizes.t + t) * width + head * sizes.size;
    var score = 0.0;
    var dp = 0.0;
    for (var d = 0u; d < sizes.size; d += 1) {
      score += qkv[query + d] * qkv[key + d];
      dp += dy[at + d] * qkv[value + d];
    }
    let p = exp(score * sizes.scale - lse[statistics + t]);
    let ds = p * (dp - delta[statistics + t]) * sizes.scale;
    for (var d = 0u; d < sizes.size; d += 1) {
      dqkv[key + d] += ds * qkv[query + d];
      dqkv[value + d] += p * dy[at + d];
    }
  }
}
