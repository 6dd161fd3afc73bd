// Matrix product Y = op(A) op(B) and what an end makes of it, for any sizes; matrix_product.wgsl is faster where sizes
// are multiples of 4.
//
//   Y[i, j] = sum over l of A[i, l] B[l, j],   A = a or a', B = b or b'
//   with SUMS also   sums[j] = sum over l of B[l, j]
//
// A part of a module: a matrix_product_end_*.wgsl begins and ends every sum and declares the other bindings.
// Shapes: a [M, K] (or [K, M] with TRANSPOSE_A), b [K, N] (or [N, K] with TRANSPOSE_B), y [M, N].
// Bindings: 0 a, 1 b, then those of the end.
// An invocation gives 4 rows of one column; a workgroup is 64 invocations, the columns of a row block following each
// other.
// Numbers: float32, summed over l in order. Tolerance as in matrix_product.wgsl.

alias Cell = f32;

override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;

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
  let a_row = select(sizes.k, 1u, TRANSPOSE_A);
  let a_inner = select(1u, sizes.m, TRANSPOSE_A);
  let b_inner = select(sizes.n, 1u, TRANSPOSE_B);
  let b_column = select(1u, sizes.k, TRANSPOSE_B);
  // Rows past the end read the last one and are not written.
  let rows = min(vec4u(row, row + 1, row + 2, row + 3), vec4u(sizes.m - 1));
  var at = rows * a_row;
  var product = vec4f(start(column));
  var sum = 0.0;
  for (var l = 0u; l < sizes.k; l += 1) {
    let right = b[l * b_inner + column * b_column];
    product += vec4f(a[at.x], a[at.y], a[at.z], a[at.w]) * right;
    sum += right;
    at += vec4u(a_inner);
  }
  for (var i = 0u; i < 4 && row + i < sizes.m; i += 1) {
    finish((row + i) * sizes.n + column, product[i]);
  }
  if (SUMS && row == 0) {
    finish_sum(column, sum);
  }
}
