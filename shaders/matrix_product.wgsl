// Matrix product Y = op(A) op(B) and what an end makes of it, without any optional feature.
//
//   Y[i, j] = sum over l of A[i, l] B[l, j],   A = a or a', B = b or b'
//   with SUMS also   sums[j] = sum over l of B[l, j]
//
// A part of a module: a matrix_product_end_*.wgsl begins and ends every sum and declares the other bindings.
// Shapes: a [M, K] (or [K, M] with TRANSPOSE_A), b [K, N] (or [N, K] with TRANSPOSE_B), y [M, N]. N must be a multiple
// of 4, K too unless TRANSPOSE_A, and M with TRANSPOSE_A; other sizes go to matrix_product_any.wgsl. Both transposed at
// once is not served.
// Bindings: 0 a, 1 b, then those of the end.
// An invocation keeps 8 rows x 8 columns of Y in registers (4 rows when not TALL). A workgroup of 8 x ROW_GROUPS covers
// 64 columns and 8 ROW_GROUPS rows (4 ROW_GROUPS); neighbouring lanes read neighbouring vec4s of a row. No workgroup
// memory and no barrier: on a software GPU they cost 3 to 5 times what they save.
// Rows and columns past the end read the last ones and are not written.
// Numbers: float32, summed over l in order. Against float64 on N(0, 1) operands: 1e-5 at K = 128, 1e-4 at K = 1024.

alias Cell = vec4f;

override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override TALL: bool = true;
override ROW_GROUPS: u32 = 8;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
// Four rows l .. l + 3 of B in four columns, as the columns of a matrix, so that (block * v) is the sum of v[i] row_i.
fn load_b(l: u32, column: u32) -> mat4x4f {
  let n4 = sizes.n / 4;
  let k4 = sizes.k / 4;
  if (TRANSPOSE_B) {
    let at = column * k4 + l / 4;
    return transpose(mat4x4f(b[at], b[at + k4], b[at + 2 * k4], b[at + 3 * k4]));
  }
  let at = l * n4 + column / 4;
  return mat4x4f(b[at], b[at + n4], b[at + 2 * n4], b[at + 3 * n4]);
}

// Four rows of A (one vec4 of each row of a) at l .. l + 3, as the columns of a matrix.
fn load_a_transposed(l: u32, at: u32, m4: u32) -> mat4x4f {
  let first = l * m4 + at;
  return transpose(mat4x4f(a[first], a[first + m4], a[first + 2 * m4], a[first + 3 * m4]));
}

fn end(row: u32, column: u32, value: vec4f) {
  if (row < sizes.m && column < sizes.n) {
    finish((row * sizes.n + column) / 4, value);
  }
}

@compute @workgroup_size(8, ROW_GROUPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tile_rows = select(4u, 8u, TALL);
  let row = (group.y * ROW_GROUPS + local.y) * tile_rows;
  let left = group.x * 64 + local.x * 4;
  let right = left + 32;
  if (row >= sizes.m || left >= sizes.n) {
    return;
  }
  let n4 = sizes.n / 4;
  let left_in = left / 4;
  let right_in = min(right / 4, n4 - 1);

  // c<row><l|r>: the tile's row, left and right four columns.
  let begin_l = start(left_in);
  let begin_r = start(right_in);
  var c0l = begin_l; var c0r = begin_r;
  var c1l = begin_l; var c1r = begin_r;
  var c2l = begin_l; var c2r = begin_r;
  var c3l = begin_l; var c3r = begin_r;
  var c4l = begin_l; var c4r = begin_r;
  var c5l = begin_l; var c5r = begin_r;
  var c6l = begin_l; var c6r = begin_r;
  var c7l = begin_l; var c7r = begin_r;

  var sum_l = vec4f();
  var sum_r = vec4f();

  // Where the tile's rows begin in a: eight rows of k4 vec4s, or with TRANSPOSE_A two columns of vec4s, m4 apart.
  let k4 = sizes.k / 4;
  let m4 = sizes.m / 4;
  let last = sizes.m - 1;
  let top_in = row / 4;
  let bottom_in = min(top_in + 1, m4 - 1);
  let a0 = row * k4;
  let a1 = min(row + 1, last) * k4;
  let a2 = min(row + 2, last) * k4;
  let a3 = min(row + 3, last) * k4;
  let a4 = min(row + 4, last) * k4;
  let a5 = min(row + 5, last) * k4;
  let a6 = min(row + 6, last) * k4;
  let a7 = min(row + 7, last) * k4;

  for (var l4 = 0u; l4 < k4; l4 += 1) {
    let bl = load_b(4 * l4, 4 * left_in);
    let br = load_b(4 * l4, 4 * right_in);
    // One row of A, at l .. l + 3, in each column.
    var x = mat4x4f();
    if (TRANSPOSE_A) {
      x = load_a_transposed(4 * l4, top_in, m4);
    } else {
      x = mat4x4f(a[a0 + l4], a[a1 + l4], a[a2 + l4], a[a3 + l4]);
    }
    c0l += bl * x[0]; c0r += br * x[0];
    c1l += bl * x[1]; c1r += br * x[1];
    c2l += bl * x[2]; c2r += br * x[2];
    c3l += bl * x[3]; c3r += br * x[3];
    if (TALL) {
      if (TRANSPOSE_A) {
        x = load_a_transposed(4 * l4, bottom_in, m4);
      } else {
        x = mat4x4f(a[a4 + l4], a[a5 + l4], a[a6 + l4], a[a7 + l4]);
      }
      c4l += bl * x[0]; c4r += br * x[0];
      c5l += bl * x[1]; c5r += br * x[1];
      c6l += bl * x[2]; c6r += br * x[2];
      c7l += bl * x[3]; c7r += br * x[3];
    }
    if (SUMS && group.y == 0) {
      sum_l += bl[0] + bl[1] + bl[2] + bl[3];
      sum_r += br[0] + br[1] + br[2] + br[3];
    }
  }
  if (TRANSPOSE_A) {
    // The last K mod 4; without TRANSPOSE_A there are none.
    for (var l = 4 * k4; l < sizes.k; l += 1) {
      let bl = b[l * n4 + left_in];
      let br = b[l * n4 + right_in];
      sum_l += bl;
      sum_r += br;
      let top = a[l * m4 + top_in];
      c0l += top.x * bl; c0r += top.x * br;
      c1l += top.y * bl; c1r += top.y * br;
      c2l += top.z * bl; c2r += top.z * br;
      c3l += top.w * bl; c3r += top.w * br;
      if (TALL) {
        let bottom = a[l * m4 + bottom_in];
        c4l += bottom.x * bl; c4r += bottom.x * br;
        c5l += bottom.y * bl; c5r += bottom.y * br;
        c6l += bottom.z * bl; c6r += bottom.z * br;
        c7l += bottom.w * bl; c7r += bottom.w * br;
      }
    }
  }

  end(row, left, c0l); end(row, right, c0r);
  end(row + 1, left, c1l); end(row + 1, right, c1r);
  end(row + 2, left, c2l); end(row + 2, right, c2r);
  end(row + 3, left, c3l); end(row + 3, right, c3r);
  if (TALL) {
    end(row + 4, left, c4l); end(row + 4, right, c4r);
    end(row + 5, left, c5l); end(row + 5, right, c5r);
    end(row + 6, left, c6l); end(row + 6, right, c6r);
    end(row + 7, left, c7l); end(row + 7, right, c7r);
  }
  if (SUMS && row == 0) {
    finish_sum(left_in, sum_l);
    if (right < sizes.n) {
      finish_sum(right_in, sum_r);
    }
  }
}
