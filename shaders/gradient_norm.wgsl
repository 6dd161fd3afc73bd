// Partial sums of squares of one gradient tensor, for the norm of all gradients together.
//
//   partials[offset + i] = sum over k of gradient[i + k count]^2,   0 <= i < count
//
// Shapes: gradient of n numbers, any n; partials, shared by all tensors of a step, offset + count or more.
// Bindings: 0 gradient, 1 partials (count of them written), 2 sizes.
// An invocation gives one partial sum, a workgroup 64. No atomics and no barrier.
// Numbers: float32; with the second stage exact to 1e-6 of the norm.

struct Sizes {
  n: u32,
  count: u32,
  offset: u32,
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sizes.count) {
    return;
  }
  var sum = 0.0;
  for (var i = id.x; i < sizes.n; i += sizes.count) {
    let g = gradient[i];
    sum += g * g;
  }
  partials[sizes.offset + id.x] = sum;
}
