// Gradient of causal attention with respect to the queries.
//
//   dq_t = sum over j of ds_tj k_j / sqrt(D),   ds_tj = p_tj (dy_t v_j - delta_t),   delta_t = dy_t out_t,
//   p_tj = exp(q_t k_j / sqrt(D) - lse_t),   start <= j <= t
//
// One part of a module: after attention_quad.wgsl or attention_plain.wgsl and attention_head.wgsl.
// Shapes: qkv, dqkv [B, T, 3C]; start [B] int32; out, dy [B, T, C]; lse, delta [B, H, T]. Any B, H and T; D a multiple
// of 4, at most 64. Rows t < start give 0.
// Bindings: 0 qkv, 1 start, 2 out, 3 lse, 4 dy, 5 dqkv (its first third written), 6 delta (written), 7 sizes.
// Rows and heads lie in workgroups as in causal_attention.wgsl; p is computed again from lse instead of being kept. No
// barrier.
// Numbers: float32. 1e-5 against the reference.

@group(0) @binding(2) var<storage, read> out: array<vec4f>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> delta: array<f32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

fn load_dy_part(at: u32, part: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * part) { m[0] = dy[at + 4 * part]; }
  if (HEAD_VEC4 > 4 * part + 1) { m[1] = dy[at + 4 * part + 1]; }
  if (HEAD_VEC4 > 4 * part + 2) { m[2] = dy[at + 4 * part + 2]; }
  if (HEAD_VEC4 > 4 * part + 3) { m[3] = dy[at + 4 * part + 3]; }
  return m;
}

fn load_dy(at: u32) -> Head {
  return Head(load_dy_part(at, 0), load_dy_part(at, 1), load_dy_part(at, 2), load_dy_part(at, 3));
}

fn store_part(at: u32, part: u32, m: mat4x4f) {
  if (HEAD_VEC4 > 4 * part) { dqkv[at + 4 * part] = m[0]; }
  if (HEAD_VEC4 > 4 * part + 1) { dqkv[at + 4 * part + 1] = m[1]; }
  if (HEAD_VEC4 > 4 * part + 2) { dqkv[at + 4 * part + 2] = m[2]; }
  if (HEAD_VEC4 > 4 * part + 3) { dqkv[at + 4 * part + 3] = m[3]; }
}

struct Row {
  query: Head, // times 1 / sqrt(D)
  dy: Head,
  lse: f32,
  delta: f32,
}

fn row_of(batch: u32, head: u32, t: u32) -> Row {
  let at = ((batch * sizes.t + t) * sizes.heads + head) * HEAD_VEC4;
  var sum = 0.0;
  for (var i = 0u; i < HEAD_VEC4; i += 1) {
    sum += dot(dy[at + i], out[at + i]);
  }
  let query = ((batch * sizes.t + t) * 3 * sizes.heads + head) * HEAD_VEC4;
  return Row(scaled(load(query)), load_dy(at), lse[(batch * sizes.heads + head) * sizes.t + t], sum);
}

fn score_gradient(row: Row, key: Head, value: Head, seen: bool) -> f32 {
  let p = select(0.0, exp(head_inner(row.query, key) - row.lse), seen);
  return p * (head_inner(row.dy, value) - row.delta);
}

fn write_row(batch: u32, head: u32, t: u32, row: Row, sum: Head) {
  store(((batch * sizes.t + t) * 3 * sizes.heads + head) * HEAD_VEC4, sum, sizes.scale);
  delta[(batch * sizes.heads + head) * sizes.t + t] = row.delta;
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
  let row0 = row_of(batch, head, min(t0, sizes.t - 1));
  var row1: Row;
  if (TWO) { row1 = row_of(batch, head, min(t1, sizes.t - 1)); }
  var sum0: Head;
  var sum1: Head;
  let first = u32(max(start[batch], 0));
  let end = min((group.x + 1) * rows, sizes.t);
  for (var j = first_seen(group.y); j < end; j += 1) {
    let at = row + j * 3 * width + width;
    let key = load_shared(at, lane);
    let value = load_shared(at + width, lane);
    sum0 = head_add(sum0, key, score_gradient(row0, key, value, j >= first && j <= t0));
    if (TWO) { sum1 = head_add(sum1, key, score_gradient(row1, key, value, j >= first && j <= t1)); }
  }
  if (group.y * PAIRS + local.y >= sizes.pairs) {
    return;
  }
  if (t0 < sizes.t) { write_row(batch, head, t0, row0, sum0); }
  if (TWO && t1 < sizes.t) { write_row(batch, head, t1, row1, sum1); }
}
