// Attention of one new token a row over the keys and values of the tokens before it, for any head size.
//
//   out = sum over j of softmax_j(q k_j / sqrt(D)) v_j,   start <= j <= position
//
// Shapes: qkv [B, 3C] of the new token; start [B] int32; position [1] int32; cache [B, N, 2C], keys then values;
// out [B, C]; any sizes.
// Bindings: 0 qkv, 1 start, 2 position (read with `POSITION_FROM_TENSOR`), 3 cache (column `position` written, the others
// read), 4 out (written), 5 sizes.
// An invocation takes one head of one row, its sum in `out`, since registers would bound D; a workgroup takes 8 heads of
// the batch. No barrier: an invocation reads from the cache only what earlier dispatches wrote and what it wrote itself.
// Numbers: float32; the running maximum is taken out of every exponential. 5e-6 against the reference.

override POSITION_FROM_TENSOR: bool = false;

struct Sizes {
  batch: u32,
  heads: u32,
  size: u32, // D
  capacity: u32,
  position: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<i32>;
@group(0) @binding(2) var<storage, read> position: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x / sizes.heads;
  let head = id.x % sizes.heads;
  if (batch >= sizes.batch) {
    return;
  }
  var newest = sizes.position;
  if (POSITION_FROM_TENSOR) { newest = position[0]; }
  let width = sizes.heads * sizes.size; // C
  let query = batch * 3 * width + head * sizes.size;
  let row = batch * sizes.capacity * 2 * width + head * sizes.size;
  let last = row + newest * 2 * width;
  let at = batch * width + head * sizes.size;
  for (var d = 0u; d < sizes.size; d += 1) {
    cache[last + d] = qkv[query + width + d];
    cache[last + width + d] = qkv[query + 2 * width + d];
    out[at + d] = 0;
  }
  var highest = -3.4e38;
  var total = 0.0;
  for (var j = u32(max(start[batch], 0)); j <= newest; j += 1) {
    let key = row + j * 2 * width;
    let value = key + width;
    var score = 0.0;
    for (var d = 0u; d < sizes.size; d += 1) {
      score += qkv[query + d] * cache[key + d];
    }
    score *= sizes.scale;
    let higher = max(highest, score);
    let keep = exp(highest - higher);
    let weight = exp(score - higher);
    highest = higher;
    total = total * keep + weight;
    for (var d = 0u; d < sizes.size; d += 1) {
      out[at + d] = out[at + d] * keep + cache[value + d] * weight;
    }
  }
  let scale = select(0.0, 1 / total, total > 0);
  for (var d = 0u; d < sizes.size; d += 1) {
    out[at + d] *= scale;
  }
}
