enable subgroups;

// Gradient of causal attention with respect to the queries, for devices with quad operations.
//
//   dq_t = sum over j of ds_tj k_j / sqrt(D),   ds_tj = p_tj (dy_t v_j - delta_t),   delta_t = dy_t out_t,
//   p_tj = exp(q_t k_j / sqrt(D) - lse_t),   start <= j <= t
//
// What causal_attention_backward_query.wgsl computes, with keys and values loaded once for four rows.
// Shapes: qkv, dqkv [B, T, 3C]; start [B] int32; out, dy [B, T, C]; lse, delta [B, H, T]. Any B, H and T; D a multiple
// of 4, at most 64. Rows t < start give 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse, 4 dy, 5 dqkv (its first third written), 6 delta (written), 7 sizes.
// Rows and heads lie in quads and workgroups as in causal_attention_quad.wgsl. No barrier.
// Numbers: float32. 1e-5 against the reference.

// D / 4.
override HEAD_VEC4: u32 = 8;
// Heads that a workgroup takes, of one sequence or of several.
override PAIRS: u32 = 16;

struct Sizes {
  t: u32,
  heads: u32,
  pairs: u32, // B H
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

// Gives the four numbers of each lane of a quad to all four, as columns.
fn share(v: vec4f) -> mat4x4f {
  return mat4x4f(quadBroadcast(v, 0), quadBroadcast(v, 1), quadBroadcast(v, 2), quadBroadcast(v, 3));
}

// The same where the lanes of a quad need the same sixteen: each loads four. Past the end of the head there is anything,
// which is multiplied by zeros or not stored.
fn load_shared(at: u32, block: u32, lane: u32) -> mat4x4f {
  if (HEAD_VEC4 <= 4 * block) {
    return mat4x4f();
  }
  return share(qkv[at + min(4 * block + lane, HEAD_VEC4 - 1)]);
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

// The first real position of any of the workgroup's sequences: the same in all its lanes, as quad operations want it.
fn first_seen(group: u32) -> u32 {
  var first = sizes.t;
  let last = min(group * PAIRS + PAIRS, sizes.pairs) - 1;
  for (var batch = group * PAIRS / sizes.heads; batch <= last / sizes.heads; batch += 1) {
    first = min(first, u32(max(start[batch], 0)));
  }
  return first;
}

@compute @workgroup_size(4, PAIRS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let t = min(group.x * 4 + lane, sizes.t - 1);
  let pair = min(group.y * PAIRS + local.y, sizes.pairs - 1);
  let batch = pair / sizes.heads;
  let head = pair % sizes.heads;
  let width = sizes.heads * HEAD_VEC4; // C in vec4s
  let row = batch * sizes.t * 3 * width + head * HEAD_VEC4;
  let query = row + t * 3 * width;
  let at = (batch * sizes.t + t) * width + head * HEAD_VEC4;
  let q0 = load(query, 0) * sizes.scale;
  let q1 = load(query, 1) * sizes.scale;
  let q2 = load(query, 2) * sizes.scale;
  let q3 = load(query, 3) * sizes.scale;
  let g0 = load_dy(at, 0);
  let g1 = load_dy(at, 1);
  let g2 = load_dy(at, 2);
  let g3 = load_dy(at, 3);
  var row_delta = 0.0;
  for (var i = 0u; i < HEAD_VEC4; i += 1) {
    row_delta += dot(dy[at + i], out[at + i]);
  }
  let row_lse = lse[pair * sizes.t + t];
  var d0 = mat4x4f();
  var d1 = mat4x4f();
  var d2 = mat4x4f();
  var d3 = mat4x4f();
  let first = u32(max(start[batch], 0));
  let end = min(group.x * 4 + 4, sizes.t);
  for (var j = first_seen(group.y); j < end; j += 1) {
    let key = row + j * 3 * width + width;
    let value = key + width;
    let k0 = load_shared(key, 0, lane);
    let k1 = load_shared(key, 1, lane);
    let k2 = load_shared(key, 2, lane);
    let k3 = load_shared(key, 3, lane);
    var score = inner(q0, k0);
    var dp = inner(g0, load_shared(value, 0, lane));
    if (HEAD_VEC4 > 4) { score += inner(q1, k1); dp += inner(g1, load_shared(value, 1, lane)); }
    if (HEAD_VEC4 > 8) { score += inner(q2, k2); dp += inner(g2, load_shared(value, 2, lane)); }
    if (HEAD_VEC4 > 12) { score += inner(q3, k3); dp += inner(g3, load_shared(value, 3, lane)); }
    let p = select(0.0, exp(score - row_lse), j >= first && j <= t);
    let ds = p * (dp - row_delta);
    d0 += k0 * ds;
    if (HEAD_VEC4 > 4) { d1 += k1 * ds; }
    if (HEAD_VEC4 > 8) { d2 += k2 * ds; }
    if (HEAD_VEC4 > 12) { d3 += k3 * ds; }
  }
  if (group.x * 4 + lane >= sizes.t || group.y * PAIRS + local.y >= sizes.pairs) {
    return;
  }
  store(query, 0, d0 * sizes.scale);
  store(query, 1, d1 * sizes.scale);
  store(query, 2, d2 * sizes.scale);
  store(query, 3, d3 * sizes.scale);
  delta[pair * sizes.t + t] = row_delta;
}
