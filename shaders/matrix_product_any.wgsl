// Matrix product y = op(a) op(b) + bias, for any sizes; matrix_product.wgsl is faster where sizes are multiples of 4.
//
//   y[i, j] = bias[j] + sum over l of A[i, l] B[l, j],   A = a or a', B = b or b'
//
// Shapes: a [M, K] (or [K, M]), b [K, N] (or [N, K]), bias [N], y [M, N]. Strides say which: A[i, l] = a[i a_row + l a_inner].
// Bindings: 0 a, 1 b, 2 bias (any tensor when not BIASED), 3 y (written), 4 sizes.
// An invocation gives 4 rows of one column; a workgroup is 64 invocations, the columns of a row block following each other.
// Numbers: float32, summed over l in order. Tolerance as in matrix_product.wgsl.

override BIASED: bool = false;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  a_row: u32,
  a_inner: u32,
  b_inner: u32,
  b_column: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  let row = index / sizes.n * 4;
  let column = index % sizes.n;
  if (row >= sizes.m) {
    return;
  }
  // Rows past the end read the last one and are not written.
  let rows = min(vec4u(row, row + 1, row + 2, row + 3), vec4u(sizes.m - 1));
  var at = rows * sizes.a_row;
  var sum = vec4f();
  for (var l = 0u; l < sizes.k; l += 1) {
    sum += vec4f(a[at.x], a[at.y], a[at.z], a[at.w]) * b[l * sizes.b_inner + column * sizes.b_column];
    at += vec4u(sizes.a_inner);
  }
  if (BIASED) {
    sum += vec4f(bias[column]);
  }
  for (var i = 0u; i < 4 && row + i < sizes.m; i += 1) {
    y[(row + i) * sizes.n + column] = sum[i];
  }
}
