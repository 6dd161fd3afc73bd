// The end of the product that gives both gradients of a linear layer's parameters: with A = x' and B = dy. See
// matrix_product_end.wgsl.
//
//   y = x' dy,   sums[j] = sum over l of dy[l, j]
//
// The first block of rows adds up the right operand, which it has in registers anyway.
// Bindings: 2 y [M, N], 3 sums [N] (both written), 4 sizes.

const SUMS = true;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(2) var<storage, read_write> y: array<Cell>;
@group(0) @binding(3) var<storage, read_write> sums: array<Cell>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

fn start(column: u32) -> Cell {
  return Cell();
}

fn finish(at: u32, value: Cell) {
  y[at] = value;
}

fn finish_sum(column: u32, value: Cell) {
  sums[column] = value;
}
