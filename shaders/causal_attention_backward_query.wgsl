// Gradient of causal attention with respect to the queries.
//
//   dq_t = sum over j of ds_tj k_j / sqrt(D),   ds_tj = p_tj (dy_t v_j - delta_t),   delta_t = dy_t out_t,
//   p_tj = exp(q_t k_j / sqrt(D) - lse_t),   start <= j <= t
//
// Shapes: qkv, dqkv [B, T, 3C]; start [B] int32; out, dy [B, T, C]; lse, delta [B, H, T]. Any B, H and T; D a multiple
// of 4, at most 64. Rows t < start give 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse, 4 dy, 5 dqkv (its first third written), 6 delta (written), 7 sizes.
// An invocation takes one row t of one head, with query, dy and dq in registers; p is computed again from lse instead of
// being kept. A workgroup takes 32 rows of one head. No barrier.
// Numbers: float32. 1e-5 against the reference.

// D / 4.
override HEAD_VEC4: u32 = 8;

struct Sizes {
  t: u32,
  heads: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> start: array<i32>;
@group(0) @binding(2) var<storage, read> out: array<vec4f>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> delta: array<f32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

// Sixteen numbers of a head, zeros past its end. Four such blocks hold a head of 64; unused ones fold away.
fn load(at: u32, block: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * block) { m[0] = qkv[at + 4 * block]; }
  if (HEAD_VEC4 > 4 * block + 1) { m[1] = qkv[at + 4 * block + 1]; }
  if (HEAD_VEC4 > 4 * block + 2) { m[2] = qkv[at + 4 * block + 2]; }
  if (HEAD_VEC4 > 4 * block + 3) { m[3] = qkv[at + 4 * block + 3]; }
  return m;
}

fn load_dy(at: u32, block: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * block) { m[0] = dy[at + 4 * block]; }
  if (HEAD_VEC4 > 4 * block + 1) { m[1] = dy[at + 4 * block + 1]; }
  if (HEAD_VEC4 > 4 * block + 2) { m[2] = dy[at + 4 * block + 2]; }
  if (HEAD_VEC4 > 4 * block + 3) { m[3] = dy[at + 4 * block + 3]; }
  return m;
}

fn store(at: u32, block: u32, m: mat4x4f) {
  if (HEAD_VEC4 > 4 * block) { dqkv[at + 4 * block] = m[0]; }
  if (HEAD_VEC4 > 4 * block + 1) { dqkv[at + 4 * block + 1] = m[1]; }
  if (HEAD_VEC4 > 4 * block + 2) { dqkv[at + 4 * block + 2] = m[2]; }
  if (HEAD_VEC4 > 4 * block + 3) { dqkv[at + 4 * block + 3] = m[3]; }
}

fn inner(a: mat4x4f, b: mat4x4f) -> f32 {
  return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3]);
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.x;
  let head = id.y;
  let batch = id.z;
  if (t >= sizes.t) {
    return;
  }
  let width = sizes.heads * HEAD_VEC4; // C in vec4s
  let row = batch * sizes.t * 3 * width + head * HEAD_VEC4;
  let query = row + t * 3 * width;
  let at = (batch * sizes.t + t) * width + head * HEAD_VEC4;
  let q0 = load(query, 0);
  let q1 = load(query, 1);
  let q2 = load(query, 2);
  let q3 = load(query, 3);
  let g0 = load_dy(at, 0);
  let g1 = load_dy(at, 1);
  let g2 = load_dy(at, 2);
  let g3 = load_dy(at, 3);
  var row_delta = 0.0;
  for (var i = 0u; i < HEAD_VEC4; i += 1) {
    row_delta += dot(dy[at + i], out[at + i]);
  }
  let statistics = (batch * sizes.heads + head) * sizes.t + t;
  let row_lse = lse[statistics];
  var d0 = mat4x4f();
  var d1 = mat4x4f();
  var d2 = mat4x4f();
  var d3 = mat4x4f();
  for (var j = u32(max(start[batch], 0)); j <= t; j += 1) {
    let key = row + j * 3 * width + width;
    let value = key + width;
    let k0 = load(key, 0);
    let k1 = load(key, 1);
    let k2 = load(key, 2);
    let k3 = load(key, 3);
    var score = inner(q0, k0);
    var dp = inner(g0, load(value, 0));
    if (HEAD_VEC4 > 4) { score += inner(q1, k1); dp += inner(g1, load(value, 1)); }
    if (HEAD_VEC4 > 8) { score += inner(q2, k2); dp += inner(g2, load(value, 2)); }
    if (HEAD_VEC4 > 12) { score += inner(q3, k3); dp += inner(g3, load(value, 3)); }
    let ds = exp(score * sizes.scale - row_lse) * (dp - row_delta);
    d0 += k0 * ds;
    if (HEAD_VEC4 > 4) { d1 += k1 * ds; }
    if (HEAD_VEC4 > 8) { d2 += k2 * ds; }
    if (HEAD_VEC4 > 12) { d3 += k3 * ds; }
  }
  store(query, 0, d0 * sizes.scale);
  store(query, 1, d1 * sizes.scale);
  store(query, 2, d2 * sizes.scale);
  store(query, 3, d3 * sizes.scale);
  delta[statistics] = row_delta;
}
