// The end of a matrix product that is written to memory which is there already or, with ADD, added to what it holds.
// See matrix_product_end.wgsl.
//
//   y = A B,   with ADD   y = y + A B
//
// Bindings: 2 y [M, N] (written, read with ADD), 3 sizes.

override ADD: bool = false;

const SUMS = false;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(2) var<storage, read_write> y: array<Cell>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn start(column: u32) -> Cell {
  return Cell();
}

fn finish(at: u32, value: Cell) {
  if (ADD) {
    y[at] = y[at] + value;
  } else {
    y[at] = value;
  }
}

fn finish_sum(column: u32, value: Cell) {}
