// The end of the first layer of an MLP: bias and GELU, with what GELU was given kept for the gradient. With gelu.wgsl;
// see matrix_product_end.wgsl.
//
//   pre = A B + bias,   y = gelu(pre)
//
// Bindings: 2 bias [N], 3 y [M, N], 4 pre [M, N] (both written), 5 sizes.

const SUMS = false;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(2) var<storage, read> bias: array<Cell>;
@group(0) @binding(3) var<storage, read_write> y: array<Cell>;
@group(0) @binding(4) var<storage, read_write> pre: array<Cell>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

fn start(column: u32) -> Cell {
  return bias[column];
}

fn finish(at: u32, value: Cell) {
  pre[at] = value;
  y[at] = gelu(value);
}

fn finish_sum(column: u32, value: Cell) {}
