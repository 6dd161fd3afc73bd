enable subgroups;

// Multi-head causal self-attention of left-padded rows, without a T x T matrix, for devices with quad operations.
//
//   out_t = sum over j of p_tj v_j,   p_tj = exp(s_tj - lse_t),   s_tj = q_t k_j / sqrt(D),   start <= j <= t
//
// What causal_attention.wgsl computes, with keys and values loaded once for four rows.
// Shapes: qkv [B, T, 3C]: queries, keys, values side by side, H heads of D = C / H each; start [B] int32; out [B, T, C];
// lse [B, H, T]. Any B, H and T; D a multiple of 4, at most 64. Rows t < start give out 0 and lse 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse (2 and 3 written), 4 sizes.
// An invocation takes one row t of one head; the lanes of a quad take four rows that follow each other, and each loads a
// quarter of a key and of a value for all four. A workgroup takes four rows of PAIRS heads, so that how far it walks
// depends on its id alone. Rows and heads past the end repeat the last ones and are not written. No barrier.
// Numbers: float32; the running maximum is taken out of every exponential. 5e-6 against the reference.

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
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

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

fn store(at: u32, block: u32, m: mat4x4f) {
  if (HEAD_VEC4 > 4 * block) { out[at + 4 * block] = m[0]; }
  if (HEAD_VEC4 > 4 * block + 1) { out[at + 4 * block + 1] = m[1]; }
  if (HEAD_VEC4 > 4 * block + 2) { out[at + 4 * block + 2] = m[2]; }
  if (HEAD_VEC4 > 4 * block + 3) { out[at + 4 * block + 3] = m[3]; }
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
  let q0 = load(query, 0) * sizes.scale;
  let q1 = load(query, 1) * sizes.scale;
  let q2 = load(query, 2) * sizes.scale;
  let q3 = load(query, 3) * sizes.scale;
  var sum0 = mat4x4f();
  var sum1 = mat4x4f();
  var sum2 = mat4x4f();
  var sum3 = mat4x4f();
  var highest = -3.4e38;
  var total = 0.0;
  let first = u32(max(start[batch], 0));
  let end = min(group.x * 4 + 4, sizes.t);
  for (var j = first_seen(group.y); j < end; j += 1) {
    let key = row + j * 3 * width + width;
    let value = key + width;
    var score = inner(q0, load_shared(key, 0, lane));
    if (HEAD_VEC4 > 4) { score += inner(q1, load_shared(key, 1, lane)); }
    if (HEAD_VEC4 > 8) { score += inner(q2, load_shared(key, 2, lane)); }
    if (HEAD_VEC4 > 12) { score += inner(q3, load_shared(key, 3, lane)); }
    let seen = j >= first && j <= t;
    let higher = select(highest, max(highest, score), seen);
    let keep = exp(highest - higher);
    let weight = select(0.0, exp(score - higher), seen);
    highest = higher;
    total = total * keep + weight;
    sum0 = sum0 * keep + load_shared(value, 0, lane) * weight;
    if (HEAD_VEC4 > 4) { sum1 = sum1 * keep + load_shared(value, 1, lane) * weight; }
    if (HEAD_VEC4 > 8) { sum2 = sum2 * keep + load_shared(value, 2, lane) * weight; }
    if (HEAD_VEC4 > 12) { sum3 = sum3 * keep + load_shared(value, 3, lane) * weight; }
  }
  if (group.x * 4 + lane >= sizes.t || group.y * PAIRS + local.y >= sizes.pairs) {
    return;
  }
  let some = total > 0;
  let scale = select(0.0, 1 / total, some);
  let at = (batch * sizes.t + t) * width + head * HEAD_VEC4;
  store(at, 0, sum0 * scale);
  store(at, 1, sum1 * scale);
  store(at, 2, sum2 * scale);
  store(at, 3, sum3 * scale);
  lse[pair * sizes.t + t] = select(0.0, highest + log(total), some);
}
