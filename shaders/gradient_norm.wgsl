// Partial sums of squares of all gradients, for their norm.
//
//   partials[i] = sum over k of |gradient[i + k count]|^2,   0 <= i < count
//
// Shapes: gradient of n vec4s: every gradient of a model, one after the other, zeros between them; partials of count.
// Bindings: 0 gradient, 1 partials (written), 2 sizes.
// An invocation gives one partial sum, a workgroup 64. No atomics and no barrier.
// Numbers: float32; with the second stage exact to 1e-6 of the norm.

struct Sizes {
  n: u32,
  count: u32,
}

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sizes.count) {
    return;
  }
  var sum = vec4f();
  for (var i = id.x; i < sizes.n; i += sizes.count) {
    let g = gradient[i];
    sum += g * g;
  }
  partials[id.x] = sum.x + sum.y + sum.z + sum.w;
}
