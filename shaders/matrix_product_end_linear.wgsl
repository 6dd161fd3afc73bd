// The end of a linear layer: its bias and, with RESIDUAL, what it is added to. See matrix_product_end.wgsl.
//
//   y = A B + bias + residual
//
// Bindings: 2 bias [N], 3 residual [M, N] (any tensor when not RESIDUAL), 4 y [M, N] (written), 5 sizes.

override RESIDUAL: bool = false;

const SUMS = false;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(2) var<storage, read> bias: array<Cell>;
@group(0) @binding(3) var<storage, read> residual: array<Cell>;
@group(0) @binding(4) var<storage, read_write> y: array<Cell>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

fn start(column: u32) -> Cell {
  return bias[column];
}

fn finish(at: u32, value: Cell) {
  if (RESIDUAL) {
    y[at] = value + residual[at];
  } else {
    y[at] = value;
  }
}

fn finish_sum(column: u32, value: Cell) {}
