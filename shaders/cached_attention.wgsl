// Attention of one new token a row over the keys and values of the tokens before it, for decoding.
//
//   out = sum over j of softmax_j(q k_j / sqrt(D)) v_j,   start <= j <= position
//
// Shapes: qkv [B, 3C] of the new token; start [B] int32; position [1] int32; cache [B, N, 2C], keys then values;
// out [B, C]. Any B, H and N; D = C / H a multiple of 4, at most 64.
// Bindings: 0 qkv, 1 start, 2 position (read with `POSITION_FROM_TENSOR`, where a replayed step is to find it), 3 cache
// (column `position` written, the others read), 4 out (written), 5 sizes.
// An invocation takes one head of one row: it stores the new key and value, then walks over the cache with an online
// softmax. A workgroup takes 8 heads of the batch, few so that a small batch spreads over the device. No barrier: an
// invocation reads from the cache only what earlier dispatches wrote and what it wrote itself.
// Numbers: float32; the running maximum is taken out of every exponential. 5e-6 against the reference.

// D / 4.
override HEAD_VEC4: u32 = 8;
override POSITION_FROM_TENSOR: bool = false;

struct Sizes {
  batch: u32,
  heads: u32,
  capacity: u32,
  position: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> start: array<i32>;
@group(0) @binding(2) var<storage, read> position: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

// Sixteen numbers of a head, zeros past its end. Four such blocks hold a head of 64; unused ones fold away.
fn load_query(at: u32, block: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * block) { m[0] = qkv[at + 4 * block]; }
  if (HEAD_VEC4 > 4 * block + 1) { m[1] = qkv[at + 4 * block + 1]; }
  if (HEAD_VEC4 > 4 * block + 2) { m[2] = qkv[at + 4 * block + 2]; }
  if (HEAD_VEC4 > 4 * block + 3) { m[3] = qkv[at + 4 * block + 3]; }
  return m;
}

fn load(at: u32, block: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * block) { m[0] = cache[at + 4 * block]; }
  if (HEAD_VEC4 > 4 * block + 1) { m[1] = cache[at + 4 * block + 1]; }
  if (HEAD_VEC4 > 4 * block + 2) { m[2] = cache[at + 4 * block + 2]; }
  if (HEAD_VEC4 > 4 * block + 3) { m[3] = cache[at + 4 * block + 3]; }
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

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x / sizes.heads;
  let head = id.x % sizes.heads;
  if (batch >= sizes.batch) {
    return;
  }
  var newest = sizes.position;
  if (POSITION_FROM_TENSOR) { newest = position[0]; }
  let width = sizes.heads * HEAD_VEC4; // C in vec4s
  let query = batch * 3 * width + head * HEAD_VEC4;
  let row = batch * sizes.capacity * 2 * width + head * HEAD_VEC4;
  let last = row + newest * 2 * width;
  for (var i = 0u; i < HEAD_VEC4; i += 1) {
    cache[last + i] = qkv[query + width + i];
    cache[last + width + i] = qkv[query + 2 * width + i];
  }
  let q0 = load_query(query, 0) * sizes.scale;
  let q1 = load_query(query, 1) * sizes.scale;
  let q2 = load_query(query, 2) * sizes.scale;
  let q3 = load_query(query, 3) * sizes.scale;
  var sum0 = mat4x4f();
  var sum1 = mat4x4f();
  var sum2 = mat4x4f();
  var sum3 = mat4x4f();
  var highest = -3.4e38;
  var total = 0.0;
  for (var j = u32(max(start[batch], 0)); j <= newest; j += 1) {
    let key = row + j * 2 * width;
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
  let scale = select(0.0, 1 / total, total > 0);
  let at = batch * width + head * HEAD_VEC4;
  store(at, 0, sum0 * scale);
  store(at, 1, sum1 * scale);
  store(at, 2, sum2 * scale);
  store(at, 3, sum3 * scale);
}
