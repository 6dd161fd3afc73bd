// The norm of all gradients together, and what they are multiplied by to be no longer than a limit.
//
//   norm = sqrt(sum partials),   scale = limit / norm where norm > limit, else 1
//
// Shapes: partials of n numbers, from gradient_norm; norm, scale of one number.
// Bindings: 0 partials, 1 norm, 2 scale (1 and 2 written), 3 sizes.
// One workgroup of 64: lane i adds every 64th partial sum, and after the one barrier lane 0 adds the 64, in order.
// Numbers: float32. A norm that is not a number gives the scale 1 and so reaches the weights, where it is found.

struct Sizes {
  n: u32,
  limit: f32,
}

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> scale: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < sizes.n; i += 64) {
    sum += partials[i];
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0) {
    for (var i = 1u; i < 64; i += 1) {
      sum += sums[i];
    }
    let length = sqrt(sum);
    norm[0] = length;
    scale[0] = select(1.0, sizes.limit / length, length > sizes.limit);
  }
}
