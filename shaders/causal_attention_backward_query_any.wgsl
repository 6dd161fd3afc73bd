// Gradient of causal attention with respect to the queries, for any head size.
//
//   dq_t = sum over j of ds_tj k_j / sqrt(D),   ds_tj = p_tj (dy_t v_j - delta_t),   delta_t = dy_t out_t,
//   p_tj = exp(q_t k_j / sqrt(D) - lse_t),   start <= j <= t
//
// Shapes: qkv, dqkv [B, T, 3C]; start [B] int32; out, dy [B, T, C]; lse, delta [B, H, T]; any sizes. Rows t < start
// give 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse, 4 dy, 5 dqkv (its first third written), 6 delta (written), 7 sizes.
// An invocation takes one row t of one head, its sum in `dqkv`. A workgroup takes 32 rows of one head. No barrier.
// Numbers: float32. 1e-5 against the reference.

struct Sizes {
  t: u32,
  heads: u32,
  size: u32, // D
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<i32>;
@group(0) @binding(2) var<storage, read> out: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(6) var<storage, read_write> delta: array<f32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

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
  var row_delta = 0.0;
  for (var d = 0u; d < sizes.size; d += 1) {
    row_delta += dy[at + d] * out[at + d];
    dqkv[query + d] = 0;
  }
  let statistics = (batch * sizes.heads + head) * sizes.t + t;
  let row_lse = lse[statistics];
  for (var j = u32(max(start[batch], 0)); j <= t; j += 1) {
    let key = row + j * 3 * width + width;
    let value = key + width;
    var score = 0.0;
    var dp = 0.0;
    for (var d = 0u; d < sizes.size; d += 1) {
      score += qkv[query + d] * qkv[key + d];
      dp += dy[at + d] * qkv[value + d];
    }
    let ds = exp(score * sizes.scale - row_lse) * (dp - row_delta) * sizes.scale;
    for (var d = 0u; d < sizes.size; d += 1) {
      dqkv[query + d] += ds * qkv[key + d];
    }
  }
  delta[statistics] = row_delta;
}
