// Generalised advantage estimation over every row, then whitening over the mask of all.
//
//   delta_t = reward_t + gamma V_{t+1} - V_t,   A_t = delta_t + gamma lam A_{t+1},   return_t = A_t + V_t
//   advantage = (A - mean) / sqrt(var + 1e-8), or A where it is not to be whitened;   both 0 outside the mask
//
// Shapes: rewards, values, mask, advantages, returns [B, R]. Bindings: 0 rewards, 1 values, 2 mask, 3 advantages,
// 4 returns (3 and 4 written), 5 sizes.
// One workgroup of 256, since the mean is over all: an invocation takes every 256th row, from its last token to its
// first, and whitens what it wrote itself, so that memory needs no barrier. The two barriers are for the sums.
// Numbers: float32; V and A are 0 beyond the mask, where nothing is read. Sums have one order: by row within an
// invocation, then by invocation. The variance is that of the deviations from the mean, over n. A mask without a one
// gives no number. 1e-5 against the reference.

struct Sizes {
  rows: u32,
  length: u32,
  gamma: f32,
  /// gamma lam
  decay: f32,
  whiten: u32,
}

@group(0) @binding(0) var<storage, read> rewards: array<f32>;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read> mask: array<f32>;
@group(0) @binding(3) var<storage, read_write> advantages: array<f32>;
@group(0) @binding(4) var<storage, read_write> returns: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

const INVOCATIONS = 256u;
const EPSILON = 1e-8;

/// Of each invocation: the sum of its advantages, and how many they are.
var<workgroup> sums: array<vec2f, INVOCATIONS>;
/// Of each invocation: the squares of its deviations from the mean.
var<workgroup> squares: array<f32, INVOCATIONS>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(local_invocation_index) lane: u32) {
  // An invocation without a row has nothing to add.
  let used = min(INVOCATIONS, sizes.rows);
  var sum = vec2f();
  for (var row = lane; row < sizes.rows; row += INVOCATIONS) {
    let first = row * sizes.length;
    var next_value = 0.0;
    var next_advantage = 0.0;
    for (var t = sizes.length; t > 0; t -= 1) {
      let i = first + t - 1;
      if (mask[i] == 0) {
        next_value = 0;
        next_advantage = 0;
        advantages[i] = 0;
        returns[i] = 0;
        continue;
      }
      let value = values[i];
      next_advantage = rewards[i] + sizes.gamma * next_value - value + sizes.decay * next_advantage;
      next_value = value;
      advantages[i] = next_advantage;
      returns[i] = next_advantage + value;
      sum += vec2f(next_advantage, 1);
    }
  }
  if (sizes.whiten == 0) {
    return;
  }
  sums[lane] = sum;
  workgroupBarrier();
  var total = vec2f();
  for (var other = 0u; other < used; other += 1) {
    total += sums[other];
  }
  let mean = total.x / total.y;
  var square = 0.0;
  for (var row = lane; row < sizes.rows; row += INVOCATIONS) {
    for (var i = row * sizes.length; i < (row + 1) * sizes.length; i += 1) {
      if (mask[i] != 0) {
        let deviation = advantages[i] - mean;
        square += deviation * deviation;
      }
    }
  }
  squares[lane] = square;
  workgroupBarrier();
  var variance = 0.0;
  for (var other = 0u; other < used; other += 1) {
    variance += squares[other];
  }
  variance /= total.y;
  let scale = 1 / sqrt(variance + EPSILON);
  for (var row = lane; row < sizes.rows; row += INVOCATIONS) {
    for (var i = row * sizes.length; i < (row + 1) * sizes.length; i += 1) {
      if (mask[i] != 0) {
        advantages[i] = (advantages[i] - mean) * scale;
      }
    }
  }
}
