// Sum over rows: the gradient of a bias.
//
//   y[j] = sum over i of x[i, j]
//
// Shapes: x [M, N], y [N], any sizes.
// Bindings: 0 x, 1 y (written), 2 sizes.
// A workgroup of 32 x 8 takes 32 columns; invocation (j, part) adds every eighth row of its column, and after the one
// barrier part 0 adds the eight partial sums, in order: the result does not depend on timing.
// Numbers: float32; M = 1024 rows of N(0, 1) are exact to 1e-5.

struct Sizes {
  m: u32,
  n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> partial: array<array<f32, 32>, 8>;

@compute @workgroup_size(32, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let column = group.x * 32 + local.x;
  var sum = 0.0;
  if (column < sizes.n) {
    for (var row = local.y; row < sizes.m; row += 8) {
      sum += x[row * sizes.n + column];
    }
  }
  partial[local.y][local.x] = sum;
  workgroupBarrier();
  if (local.y == 0 && column < sizes.n) {
    for (var part = 1u; part < 8; part += 1) {
      sum += partial[part][local.x];
    }
    y[column] = sum;
  }
}
