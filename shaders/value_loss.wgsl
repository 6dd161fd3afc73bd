// PPO's clipped value loss with its statistics, and its slope by the values.
//
//   v_c = clamp(v, vOld - range, vOld + range),   u = (v - return)^2,   c = (v_c - return)^2,
//   mean x = sum x mask / sum mask
//   statistics: mean max(u, c) / 2, mean [c > u];   loss = coef times the first;
//   slope = coef (v - return) mask / sum mask where c <= u, else 0
//
// Shapes: values, oldValues, returns, mask, slope of n numbers; loss one number; statistics 2.
// Bindings: 0 values, 1 oldValues, 2 returns, 3 mask, 4 loss, 5 statistics, 6 slope (4 to 6 written), 7 sizes.
// One workgroup of 256: an invocation takes every 256th token; after a barrier three of them add up the partial sums of
// one number each, in order; after another all know the sum of the mask and end their slopes.
// Numbers: float32. What is not a number stays so: max() may hide it, select does not. 1e-5 against the reference.

struct Sizes {
  n: u32,
  clip_range: f32,
  coef: f32,
}

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> old_values: array<f32>;
@group(0) @binding(2) var<storage, read> returns: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> statistics: array<f32>;
@group(0) @binding(6) var<storage, read_write> slope: array<f32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

/// Losses, clipped tokens, the mask: one number an invocation.
var<workgroup> partial: array<array<f32, 256>, 3>;
var<workgroup> totals: array<f32, 3>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  var loss_sum = 0.0;
  var clipped_sum = 0.0;
  var mask_sum = 0.0;
  for (var i = lane; i < sizes.n; i += 256) {
    let counts = mask[i];
    let clipped_value = min(max(values[i], old_values[i] - sizes.clip_range), old_values[i] + sizes.clip_range);
    let error = values[i] - returns[i];
    let clipped_error = clipped_value - returns[i];
    let clips = clipped_error * clipped_error > error * error;
    loss_sum += 0.5 * select(error * error, clipped_error * clipped_error, clips) * counts;
    clipped_sum += select(0.0, counts, clips);
    mask_sum += counts;
    slope[i] = sizes.coef * select(error, 0.0, clips) * counts;
  }
  partial[0][lane] = loss_sum;
  partial[1][lane] = clipped_sum;
  partial[2][lane] = mask_sum;
  workgroupBarrier();
  if (lane < 3) {
    var total = partial[lane][0];
    for (var other = 1u; other < 256; other += 1) {
      total += partial[lane][other];
    }
    totals[lane] = total;
  }
  workgroupBarrier();
  let count = totals[2];
  if (lane < 2) {
    statistics[lane] = totals[lane] / count;
  }
  if (lane == 0) {
    loss[0] = sizes.coef * totals[0] / count;
  }
  for (var i = lane; i < sizes.n; i += 256) {
    slope[i] /= count;
  }
}
