enable subgroups;

// Multi-head causal self-attention of left-padded rows, without a T x T matrix, for devices with quad operations.
//
//   out_t = sum over j of p_tj v_j,   p_tj = exp(s_tj - lse_t),   s_tj = q_t k_j / sqrt(D),   start <= j <= t
//
// What causal_attention.wgsl computes, with keys and values loaded once for four or eight rows.
// Shapes: qkv [B, T, 3C]: queries, keys, values side by side, H heads of D = C / H each; start [B] int32; out [B, T, C];
// lse [B, H, T]. Any B, H and T; D a multiple of 4, at most 64. Rows t < start give out 0 and lse 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse (2 and 3 written), 4 sizes.
// An invocation takes one or two rows of one head; the lanes of a quad take rows that follow each other, and each loads a
// quarter of a key and of a value for all four. A workgroup takes four or eight rows of PAIRS heads, so that how far it
// walks depends on its id alone. Rows and heads past the end repeat the last ones and are not written. No barrier.
// Numbers: float32; the running maximum is taken out of every exponential. 5e-6 against the reference.

// D / 4.
override HEAD_VEC4: u32 = 8;
// Heads that a workgroup takes, of one sequence or of several.
override PAIRS: u32 = 16;
// Whether an invocation takes two rows, four apart, which halves the loads; else one. Two of a large head are more than the
// registers of a GPU hold.
override TWO: bool = true;

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

// The numbers of a head, zeros past its end; parts that it does not reach fold away.
struct Head {
  a: mat4x4f,
  b: mat4x4f,
  c: mat4x4f,
  d: mat4x4f,
}

fn inner(x: mat4x4f, y: mat4x4f) -> f32 {
  return dot(x[0], y[0]) + dot(x[1], y[1]) + dot(x[2], y[2]) + dot(x[3], y[3]);
}

fn head_inner(x: Head, y: Head) -> f32 {
  var sum = inner(x.a, y.a);
  if (HEAD_VEC4 > 4) { sum += inner(x.b, y.b); }
  if (HEAD_VEC4 > 8) { sum += inner(x.c, y.c); }
  if (HEAD_VEC4 > 12) { sum += inner(x.d, y.d); }
  return sum;
}

// x factor + y weight
fn head_combine(x: Head, factor: f32, y: Head, weight: f32) -> Head {
  var sum = x;
  sum.a = x.a * factor + y.a * weight;
  if (HEAD_VEC4 > 4) { sum.b = x.b * factor + y.b * weight; }
  if (HEAD_VEC4 > 8) { sum.c = x.c * factor + y.c * weight; }
  if (HEAD_VEC4 > 12) { sum.d = x.d * factor + y.d * weight; }
  return sum;
}

// Gives the four numbers of each lane of a quad to all four, as columns.
fn share(v: vec4f) -> mat4x4f {
  return mat4x4f(quadBroadcast(v, 0), quadBroadcast(v, 1), quadBroadcast(v, 2), quadBroadcast(v, 3));
}

fn load_part(at: u32, part: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * part) { m[0] = qkv[at + 4 * part]; }
  if (HEAD_VEC4 > 4 * part + 1) { m[1] = qkv[at + 4 * part + 1]; }
  if (HEAD_VEC4 > 4 * part + 2) { m[2] = qkv[at + 4 * part + 2]; }
  if (HEAD_VEC4 > 4 * part + 3) { m[3] = qkv[at + 4 * part + 3]; }
  return m;
}

fn load(at: u32) -> Head {
  return Head(load_part(at, 0), load_part(at, 1), load_part(at, 2), load_part(at, 3));
}

// A head that the lanes of a quad all need: each loads a quarter. Past its end there is anything, which is multiplied by
// zeros or not stored.
fn load_part_shared(at: u32, part: u32, lane: u32) -> mat4x4f {
  if (HEAD_VEC4 <= 4 * part) {
    return mat4x4f();
  }
  return share(qkv[at + min(4 * part + lane, HEAD_VEC4 - 1)]);
}

fn load_shared(at: u32, lane: u32) -> Head {
  return Head(load_part_shared(at, 0, lane), load_part_shared(at, 1, lane), load_part_shared(at, 2, lane), load_part_shared(at, 3, lane));
}

fn store_part(at: u32, part: u32, m: mat4x4f) {
  if (HEAD_VEC4 > 4 * part) { out[at + 4 * part] = m[0]; }
  if (HEAD_VEC4 > 4 * part + 1) { out[at + 4 * part + 1] = m[1]; }
  if (HEAD_VEC4 > 4 * part + 2) { out[at + 4 * part + 2] = m[2]; }
  if (HEAD_VEC4 > 4 * part + 3) { out[at + 4 * part + 3] = m[3]; }
}

fn store(at: u32, x: Head, scale: f32) {
  store_part(at, 0, x.a * scale);
  store_part(at, 1, x.b * scale);
  store_part(at, 2, x.c * scale);
  store_part(at, 3, x.d * scale);
}

fn scaled(x: Head) -> Head {
  return Head(x.a * sizes.scale, x.b * sizes.scale, x.c * sizes.scale, x.d * sizes.scale);
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

// The online softmax of one row.
struct Row {
  sum: Head,
  highest: f32,
  total: f32,
}

fn advance(row: Row, score: f32, value: Head, seen: bool) -> Row {
  let highest = select(row.highest, max(row.highest, score), seen);
  let keep = exp(row.highest - highest);
  let weight = select(0.0, exp(score - highest), seen);
  return Row(head_combine(row.sum, keep, value, weight), highest, row.total * keep + weight);
}

fn write_row(batch: u32, head: u32, t: u32, row: Row) {
  let some = row.total > 0;
  store(((batch * sizes.t + t) * sizes.heads + head) * HEAD_VEC4, row.sum, select(0.0, 1 / row.total, some));
  lse[(batch * sizes.heads + head) * sizes.t + t] = select(0.0, row.highest + log(row.total), some);
}

@compute @workgroup_size(4, PAIRS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let rows = select(4u, 8u, TWO);
  let t0 = group.x * rows + lane;
  let t1 = t0 + 4;
  let pair = min(group.y * PAIRS + local.y, sizes.pairs - 1);
  let batch = pair / sizes.heads;
  let head = pair % sizes.heads;
  let width = sizes.heads * HEAD_VEC4; // C in vec4s
  let row = batch * sizes.t * 3 * width + head * HEAD_VEC4;
  let q0 = scaled(load(row + min(t0, sizes.t - 1) * 3 * width));
  var q1: Head;
  if (TWO) { q1 = scaled(load(row + min(t1, sizes.t - 1) * 3 * width)); }
  var row0 = Row(Head(), -3.4e38, 0);
  var row1 = row0;
  let first = u32(max(start[batch], 0));
  let end = min((group.x + 1) * rows, sizes.t);
  for (var j = first_seen(group.y); j < end; j += 1) {
    let at = row + j * 3 * width + width;
    let key = load_shared(at, lane);
    let score0 = head_inner(q0, key);
    var score1 = 0.0;
    if (TWO) { score1 = head_inner(q1, key); }
    let value = load_shared(at + width, lane);
    row0 = advance(row0, score0, value, j >= first && j <= t0);
    if (TWO) { row1 = advance(row1, score1, value, j >= first && j <= t1); }
  }
  if (group.y * PAIRS + local.y >= sizes.pairs) {
    return;
  }
  if (t0 < sizes.t) { write_row(batch, head, t0, row0); }
  if (TWO && t1 < sizes.t) { write_row(batch, head, t1, row1); }
}
