// Multi-head causal self-attention of left-padded rows, without a T x T matrix.
//
//   out_t = sum over j of p_tj v_j,   p_tj = exp(s_tj - lse_t),   s_tj = q_t k_j / sqrt(D),   start <= j <= t
//
// One part of a module: after attention_quad.wgsl or attention_plain.wgsl and attention_head.wgsl.
// Shapes: qkv [B, T, 3C]: queries, keys, values side by side, H heads of D = C / H each; start [B] int32; out [B, T, C];
// lse [B, H, T]. Any B, H and T; D a multiple of 4, at most 64. Rows t < start give out 0 and lse 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse (2 and 3 written), 4 sizes.
// An invocation takes one or two rows of one head, which stay in registers while it walks over the keys with an online
// softmax (Milakov & Gimelshein 2018; Dao et al. 2022). Four neighbours take rows that follow each other and need the same
// keys. A workgroup takes four or eight rows of PAIRS heads, so that how far it walks depends on its id alone, as quad
// operations want it. Rows and heads past the end repeat the last ones and are not written. No barrier.
// Numbers: float32; the running maximum is taken out of every exponential. 5e-6 against the reference.

@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

fn store_part(at: u32, part: u32, m: mat4x4f) {
  if (HEAD_VEC4 > 4 * part) { out[at + 4 * part] = m[0]; }
  if (HEAD_VEC4 > 4 * part + 1) { out[at + 4 * part + 1] = m[1]; }
  if (HEAD_VEC4 > 4 * part + 2) { out[at + 4 * part + 2] = m[2]; }
  if (HEAD_VEC4 > 4 * part + 3) { out[at + 4 * part + 3] = m[3]; }
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
