// The end of the product that carries a gradient back to what GELU was given. With gelu.wgsl; see
// matrix_product_end.wgsl.
//
//   y = (A B) gelu'(pre)
//
// Bindings: 2 pre [M, N], 3 y [M, N] (written), 4 sizes.

const SUMS = false;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(2) var<storage, read> pre: array<Cell>;
@group(0) @binding(3) var<storage, read_write> y: array<Cell>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

fn start(column: u32) -> Cell {
  return Cell();
}

fn finish(at: u32, value: Cell) {
  y[at] = value * gelu_slope(pre[at]);
}

fn finish_sum(column: u32, value: Cell) {}
