// The end of a matrix product that is stored as it is or, with ADD, added to what lies there. Every end has `start`,
// what the sums of a column begin with, `finish`, what becomes of a sum, and with SUMS `finish_sum`, where the sum of a
// column of B goes. A Cell is the vec4f or the f32 in which the tile counts, columns and places in y too.
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
