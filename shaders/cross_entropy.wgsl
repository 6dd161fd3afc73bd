// Second half of the cross-entropy: log sum exp of each row from its parts, and the weighted sum over the rows.
//
//   lse_m = log sum over v of exp(l_mv),   loss = sum over m of weights_m (lse_m - l_m[target_m])
//
// Shapes: logits [M, V]; targets [M] int32, each in [0, V); weights, lse [M]; parts [M, 16], (highest, total), from
// cross_entropy_parts; loss one number; any sizes.
// Bindings: 0 logits, 1 targets, 2 weights, 3 parts, 4 loss, 5 lse (4 and 5 written), 6 sizes.
// One workgroup of 256: an invocation takes every 256th row, and after the one barrier the first adds the 256 partial
// sums, in order: the result does not depend on timing.
// Numbers: float32, with the maximum taken out of every exponential. lse 5e-6, loss 2e-6 relative against the reference.

struct Sizes {
  m: u32,
  v: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> parts: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

var<workgroup> partial: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var row = lane; row < sizes.m; row += 256) {
    var highest = parts[16 * row].x;
    for (var part = 1u; part < 16; part += 1) {
      highest = max(highest, parts[16 * row + part].x);
    }
    var total = 0.0;
    for (var part = 0u; part < 16; part += 1) {
      let one = parts[16 * row + part];
      total += one.y * exp(one.x - highest);
    }
    let log_total = log(total);
    lse[row] = highest + log_total;
    sum += weights[row] * (log_total - (logits[row * sizes.v + targets[row]] - highest));
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0) {
    for (var other = 1u; other < 256; other += 1) {
      sum += partial[other];
    }
    loss[0] = sum;
  }
}
