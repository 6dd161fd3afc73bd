// Gradient of causal attention with respect to the keys and values.
//
//   dv_j = sum over t of p_tj dy_t,   dk_j = sum over t of ds_tj q_t / sqrt(D),   ds_tj = p_tj (dy_t v_j - delta_t),
//   p_tj = exp(q_t k_j / sqrt(D) - lse_t),   start <= j <= t < T
//
// One part of a module: after attention_quad.wgsl or attention_plain.wgsl and attention_head.wgsl.
// Shapes: qkv, dqkv [B, T, 3C]; start [B] int32; dy [B, T, C]; lse, delta [B, H, T] (delta from the gradient with respect
// to the queries). Any B, H and T; D a multiple of 4, at most 64. Keys j < start give 0.
// Bindings: 0 qkv, 1 start, 2 lse, 3 dy, 4 delta, 5 dqkv (its second and last third written), 6 sizes.
// An invocation takes one or two keys of one head; keys and heads lie in workgroups as rows and heads do in
// causal_attention.wgsl. Each sum is in the order of t, by one invocation: no atomics, no barrier, the same bits
// each time.
// Numbers: float32. 1e-5 against the reference.

@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<vec4f>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

fn load_dy_part(at: u32, part: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * part) { m[0] = dy[at + 4 * part]; }
  if (HEAD_VEC4 > 4 * part + 1) { m[1] = dy[at + 4 * part + 1]; }
  if (HEAD_VEC4 > 4 * part + 2) { m[2] = dy[at + 4 * part + 2]; }
  if (HEAD_VEC4 > 4 * part + 3) { m[3] = dy[at + 4 * part + 3]; }
  return m;
}

fn load_dy_part_shared(at: u32, part: u32, lane: u32) -> mat4x4f {
  if (HEAD_VEC4 <= 4 * part) {
    return mat4x4f();
  }
  if (QUADS) {
    return share(dy[at + min(4 * part + lane, HEAD_VEC4 - 1)]);
  }
  return load_dy_part(at, part);
}

fn load_dy_shared(at: u32, lane: u32) -> Head {
  return Head(
    load_dy_part_shared(at, 0, lane),
    load_dy_part_shared(at, 1, lane),
    load_dy_part_shared(at, 2, lane),
    load_dy_part_shared(at, 3, lane),
  );
}

fn store_part(at: u32, part: u32, m: mat4x4f) {
  if (HEAD_VEC4 > 4 * part) { dqkv[at + 4 * part] = m[0]; }
  if (HEAD_VEC4 > 4 * part + 1) { dqkv[at + 4 * part + 1] = m[1]; }
  if (HEAD_VEC4 > 4 * part + 2) { dqkv[at + 4 * part + 2] = m[2]; }
  if (HEAD_VEC4 > 4 * part + 3) { dqkv[at + 4 * part + 3] = m[3]; }
}

struct Key {
  key: Head, // times 1 / sqrt(D)
  value: Head,
}

struct KeyGradient {
  key: Head, // still to be multiplied by 1 / sqrt(D)
  value: Head,
}

fn key_of(at: u32, width: u32) -> Key {
  return Key(scaled(load(at)), load(at + width));
}

// What row t adds: `statistics` are its lse and delta.
fn advance(sum: KeyGradient, own: Key, query: Head, row_dy: Head, statistics: vec2f, seen: bool) -> KeyGradient {
  let p = select(0.0, exp(head_inner(query, own.key) - statistics.x), seen);
  let ds = p * (head_inner(row_dy, own.value) - statistics.y);
  return KeyGradient(head_add(sum.key, query, ds), head_add(sum.value, row_dy, p));
}

fn write_key(at: u32, width: u32, sum: KeyGradient) {
  store(at, sum.key, sizes.scale);
  store(at + width, sum.value, 1);
}

@compute @workgroup_size(4, PAIRS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let rows = select(4u, 8u, TWO);
  let j0 = group.x * rows + lane;
  let j1 = j0 + 4;
  let pair = min(group.y * PAIRS + local.y, sizes.pairs - 1);
  let batch = pair / sizes.heads;
  let head = pair % sizes.heads;
  let width = sizes.heads * HEAD_VEC4; // C in vec4s
  let row = batch * sizes.t * 3 * width + head * HEAD_VEC4;
  let at0 = row + min(j0, sizes.t - 1) * 3 * width + width;
  let at1 = row + min(j1, sizes.t - 1) * 3 * width + width;
  let key0 = key_of(at0, width);
  var key1: Key;
  if (TWO) { key1 = key_of(at1, width); }
  var sum0: KeyGradient;
  var sum1: KeyGradient;
  // Padding is seen by no row.
  let first = u32(max(start[batch], 0));
  for (var t = group.x * rows; t < sizes.t; t += 1) {
    let query = load_shared(row + t * 3 * width, lane);
    let row_dy = load_dy_shared(((batch * sizes.t + t) * sizes.heads + head) * HEAD_VEC4, lane);
    let statistics = vec2f(lse[pair * sizes.t + t], delta[pair * sizes.t + t]);
    sum0 = advance(sum0, key0, query, row_dy, statistics, j0 >= first && j0 <= t);
    if (TWO) { sum1 = advance(sum1, key1, query, row_dy, statistics, j1 >= first && j1 <= t); }
  }
  if (group.y * PAIRS + local.y >= sizes.pairs) {
    return;
  }
  if (j0 < sizes.t) { write_key(at0, width, sum0); }
  if (TWO && j1 < sizes.t) { write_key(at1, width, sum1); }
}
