// Multi-head causal self-attention of left-padded rows, without a T x T matrix.
//
//   out_t = sum over j of p_tj v_j,   p_tj = exp(s_tj - lse_t),   s_tj = q_t k_j / sqrt(D),   start <= j <= t
//
// Shapes: qkv [B, T, 3C]: queries, keys, values side by side, H heads of D = C / H each; start [B] int32; out [B, T, C];
// lse [B, H, T]. Any B, H and T; D a multiple of 4, at most 64. Rows t < start give out 0 and lse 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse (2 and 3 written), 4 sizes.
// An invocation takes one row t of one head: its query and its sum stay in registers while it walks over the keys with an
// online softmax (Milakov & Gimelshein 2018; Dao et al. 2022). A workgroup takes 32 rows of one head. No barrier.
// Numbers: float32; the running maximum is taken out of every exponential. 5e-6 against the reference.

// D / 4.
override HEAD_VEC4: u32 = 8;

struct Sizes {
  t: u32,
  heads: u32,
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

fn store(at: u32, block: u32, m: mat4x4f) {
  if (HEAD_VEC4 > 4 * block) { out[at + 4 * block] = m[0]; }
  if (HEAD_VEC4 > 4 * block + 1) { out[at + 4 * block + 1] = m[1]; }
  if (HEAD_VEC4 > 4 * block + 2) { out[at + 4 * block + 2] = m[2]; }
  if (HEAD_VEC4 > 4 * block + 3) { out[at + 4 * block + 3] = m[3]; }
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
  for (var j = u32(max(start[batch], 0)); j <= t; j += 1) {
    let key = row + j * 3 * width + width;
    var score = inner(q0, load(key, 0));
    if (HEAD_VEC4 > 4) { score += inner(q1, load(key, 1)); }
    if (HEAD_VEC4 > 8) { score += inner(q2, load(key, 2)); }
    if (HEAD_VEC4 > 12) { score += inner(q3, load(key, 3)); }
    let higher = max(highest, score);
    let keep = exp(highest - higher);
    let weight = exp(score - higher);
    highest = higher;
    total = total * keep + weight;
    let value = key + width;
    sum0 = sum0 * keep + load(value, 0) * weight;
    if (HEAD_VEC4 > 4) { sum1 = sum1 * keep + load(value, 1) * weight; }
    if (HEAD_VEC4 > 8) { sum2 = sum2 * keep + load(value, 2) * weight; }
    if (HEAD_VEC4 > 12) { sum3 = sum3 * keep + load(value, 3) * weight; }
  }
  let seen = total > 0;
  let scale = select(0.0, 1 / total, seen);
  let at = (batch * sizes.t + t) * width + head * HEAD_VEC4;
  store(at, 0, sum0 * scale);
  store(at, 1, sum1 * scale);
  store(at, 2, sum2 * scale);
  store(at, 3, sum3 * scale);
  lse[(batch * sizes.heads + head) * sizes.t + t] = select(0.0, highest + log(total), seen);
}
