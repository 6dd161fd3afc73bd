// First half of the log-probability of one token a row, for rows so long that one invocation a row would leave a GPU
// idle: what each of 64 parts of a row knows of its logits at a temperature.
//
//   l = logits / T:   parts[m, s] = (highest, total, weighted, 0):   highest = max over v of logits_v,
//   total = sum over v of exp(l_v - highest / T),   weighted = sum over v of the same times (l_v - highest / T),
//   over the columns of `Numbers` s, s + 64, s + 128, …; a row has at least 64 of them
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: logits [M, V]; parts [M, 64] of four numbers; any M.
// Bindings: 0 logits, 1 parts (written), 2 sizes.
// An invocation takes one part with a running maximum, a workgroup one row. No barrier: the other half adds the parts.
// Numbers: float32, with the maximum taken out of every exponential.

struct Sizes {
  m: u32,
  v: u32,
  inverse_temperature: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<Numbers>;
@group(0) @binding(1) var<storage, read_write> parts: array<vec4f>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row >= sizes.m) {
    return;
  }
  let width = sizes.v / COUNT;
  let first = row * width;
  var highest = max_of(logits[first + lane]);
  var total = 0.0;
  var weighted = 0.0; // Of logits less the maximum, which moves.
  for (var v = lane; v < width; v += 64) {
    let read = logits[first + v];
    let higher = max(highest, max_of(read));
    let drop = (highest - higher) * sizes.inverse_temperature;
    let keep = exp(drop);
    let shifted = (read - higher) * sizes.inverse_temperature;
    let weights = exp(shifted);
    weighted = (weighted + total * drop) * keep + sum_of(weights * shifted);
    total = total * keep + sum_of(weights);
    highest = higher;
  }
  parts[row * 64 + lane] = vec4f(highest, total, weighted, 0);
}
