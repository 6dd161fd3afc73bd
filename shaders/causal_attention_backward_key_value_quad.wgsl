enable subgroups;

// Gradient of causal attention with respect to the keys and values, for devices with quad operations.
//
//   dv_j = sum over t of p_tj dy_t,   dk_j = sum over t of ds_tj q_t / sqrt(D),   ds_tj = p_tj (dy_t v_j - delta_t),
//   p_tj = exp(q_t k_j / sqrt(D) - lse_t),   start <= j <= t < T
//
// What causal_attention_backward_key_value.wgsl computes, with queries and dy loaded once for four keys.
// Shapes: qkv, dqkv [B, T, 3C]; start [B] int32; dy [B, T, C]; lse, delta [B, H, T] (delta from the gradient with respect
// to the queries). Any B, H and T; D a multiple of 4, at most 64. Keys j < start give 0.
// Bindings: 0 qkv, 1 start, 2 lse, 3 dy, 4 delta, 5 dqkv (its second and last third written), 6 sizes.
// An invocation takes one key j of one head, a quad four keys that follow each other, a workgroup four keys of PAIRS heads.
// Each sum is in the order of t, by one invocation: no atomics, no barrier, the same bits each time.
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
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<vec4f>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

// Sixteen numbers of a head, zeros past its end. Four such blocks hold a head of 64; unused ones fold away.
fn load(at: u32, block: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * block) { m[0] = qkv[at + 4 * block]; }
  if (HEAD_VEC4 > 4 * block + 1) { m[1] = qkv[at + 4 * block + 1]; }
  if (HEAD_VEC4 > 4 * block + 2) { m[2] = qkv[at + 4 * block + 2]; }
  if (HEAD_VEC4 > 4 * block + 3) { m[3] = qkv[at + 4 * block + 3]; }
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

fn load_dy_shared(at: u32, block: u32, lane: u32) -> mat4x4f {
  if (HEAD_VEC4 <= 4 * block) {
    return mat4x4f();
  }
  return share(dy[at + min(4 * block + lane, HEAD_VEC4 - 1)]);
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

@compute @workgroup_size(4, PAIRS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let j = min(group.x * 4 + lane, sizes.t - 1);
  let pair = min(group.y * PAIRS + local.y, sizes.pairs - 1);
  let batch = pair / sizes.heads;
  let head = pair % sizes.heads;
  let width = sizes.heads * HEAD_VEC4; // C in vec4s
  let row = batch * sizes.t * 3 * width + head * HEAD_VEC4;
  let key = row + j * 3 * width + width;
  let value = key + width;
  let k0 = load(key, 0) * sizes.scale;
  let k1 = load(key, 1) * sizes.scale;
  let k2 = load(key, 2) * sizes.scale;
  let k3 = load(key, 3) * sizes.scale;
  let v0 = load(value, 0);
  let v1 = load(value, 1);
  let v2 = load(value, 2);
  let v3 = load(value, 3);
  var dk0 = mat4x4f();
  var dk1 = mat4x4f();
  var dk2 = mat4x4f();
  var dk3 = mat4x4f();
  var dv0 = mat4x4f();
  var dv1 = mat4x4f();
  var dv2 = mat4x4f();
  var dv3 = mat4x4f();
  let real = i32(j) >= start[batch]; // Padding is seen by no row.
  for (var t = group.x * 4; t < sizes.t; t += 1) {
    let query = row + t * 3 * width;
    let at = (batch * sizes.t + t) * width + head * HEAD_VEC4;
    let q0 = load_shared(query, 0, lane);
    let q1 = load_shared(query, 1, lane);
    let q2 = load_shared(query, 2, lane);
    let q3 = load_shared(query, 3, lane);
    let g0 = load_dy_shared(at, 0, lane);
    let g1 = load_dy_shared(at, 1, lane);
    let g2 = load_dy_shared(at, 2, lane);
    let g3 = load_dy_shared(at, 3, lane);
    var score = inner(q0, k0);
    var dp = inner(g0, v0);
    if (HEAD_VEC4 > 4) { score += inner(q1, k1); dp += inner(g1, v1); }
    if (HEAD_VEC4 > 8) { score += inner(q2, k2); dp += inner(g2, v2); }
    if (HEAD_VEC4 > 12) { score += inner(q3, k3); dp += inner(g3, v3); }
    let p = select(0.0, exp(score - lse[pair * sizes.t + t]), real && j <= t);
    let ds = p * (dp - delta[pair * sizes.t + t]);
    dk0 += q0 * ds;
    dv0 += g0 * p;
    if (HEAD_VEC4 > 4) { dk1 += q1 * ds; dv1 += g1 * p; }
    if (HEAD_VEC4 > 8) { dk2 += q2 * ds; dv2 += g2 * p; }
    if (HEAD_VEC4 > 12) { dk3 += q3 * ds; dv3 += g3 * p; }
  }
  if (group.x * 4 + lane >= sizes.t || group.y * PAIRS + local.y >= sizes.pairs) {
    return;
  }
  store(key, 0, dk0 * sizes.scale);
  store(key, 1, dk1 * sizes.scale);
  store(key, 2, dk2 * sizes.scale);
  store(key, 3, dk3 * sizes.scale);
  store(value, 0, dv0);
  store(value, 1, dv1);
  store(value, 2, dv2);
  store(value, 3, dv3);
}
