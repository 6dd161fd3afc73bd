// Matrix product Y = A op(B) with a plain left operand and what an end makes of it, on devices with quad operations.
//
//   Y[i, j] = sum over l of a[i, l] B[l, j],   B = b or b' (TRANSPOSE_B)
//
// A part of a module, after matrix_product_quad_part.wgsl: a matrix_product_end_*.wgsl begins and ends every sum and
// declares the other bindings.
// Only where four neighbouring invocations are known to form a quad.
// Shapes: a [M, K], b [K, N] (or [N, K]), y [M, N]; K and N multiples of 4, any M.
// Bindings: 0 a, 1 b, then those of the end.
// An invocation keeps 16 rows (8 when not TALL) x 8 columns of Y in registers. The lanes of a quad need the same rows
// of a: each loads one of four and shares it, so that 48 loads serve 512 multiply-adds, and loads are what a product
// costs. A workgroup of LANES x ROW_GROUPS covers 8 LANES columns and 16 (8) ROW_GROUPS rows; neighbouring lanes read
// neighbouring vec4s. No workgroup memory and no barrier: on a software GPU they cost 3 to 5 times what they save.
// Rows and columns past the end read the last ones and are not written.
// Numbers: float32, summed over l in order. Against float64 on N(0, 1) operands: 1e-5 at K = 128, 1e-4 at K = 1024.

override TRANSPOSE_B: bool = false;

// Rows l .. l + 3 of B in four columns, as the columns of a matrix.
fn right(l: u32, column4: u32) -> mat4x4f {
  if (TRANSPOSE_B) {
    let k4 = sizes.k / 4;
    let at = 4 * column4 * k4 + l / 4;
    return transpose(mat4x4f(b[at], b[at + k4], b[at + 2 * k4], b[at + 3 * k4]));
  }
  let n4 = sizes.n / 4;
  let at = l * n4 + column4;
  return mat4x4f(b[at], b[at + n4], b[at + 2 * n4], b[at + 3 * n4]);
}

// c + x b, in this order: `c + b * x` spills registers and takes twice the time.
fn add(b: mat4x4f, x: vec4f, c: vec4f) -> vec4f {
  return fma(b[3], x.wwww, fma(b[2], x.zzzz, fma(b[1], x.yyyy, fma(b[0], x.xxxx, c))));
}

@compute @workgroup_size(LANES, ROW_GROUPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * ROW_GROUPS + local.y) * select(8u, 16u, TALL);
  let west = group.x * 2 * LANES + local.x;
  let last_column = sizes.n / 4 - 1;
  let west_in = min(west, last_column);
  let east_in = min(west + LANES, last_column);

  // Where the rows that this lane loads begin.
  let k4 = sizes.k / 4;
  let last_row = sizes.m - 1;
  let load_row = row + local.x % 4;
  let at0 = min(load_row, last_row) * k4;
  let at1 = min(load_row + 4, last_row) * k4;
  let at2 = min(load_row + 8, last_row) * k4;
  let at3 = min(load_row + 12, last_row) * k4;

  // c<row><w|e>: the tile's row, western and eastern four columns.
  let begin_w = start(west_in);
  let begin_e = start(east_in);
  var c0w = begin_w; var c0e = begin_e;
  var c1w = begin_w; var c1e = begin_e;
  var c2w = begin_w; var c2e = begin_e;
  var c3w = begin_w; var c3e = begin_e;
  var c4w = begin_w; var c4e = begin_e;
  var c5w = begin_w; var c5e = begin_e;
  var c6w = begin_w; var c6e = begin_e;
  var c7w = begin_w; var c7e = begin_e;
  var c8w = begin_w; var c8e = begin_e;
  var c9w = begin_w; var c9e = begin_e;
  var c10w = begin_w; var c10e = begin_e;
  var c11w = begin_w; var c11e = begin_e;
  var c12w = begin_w; var c12e = begin_e;
  var c13w = begin_w; var c13e = begin_e;
  var c14w = begin_w; var c14e = begin_e;
  var c15w = begin_w; var c15e = begin_e;

  for (var l4 = 0u; l4 < k4; l4 += 1) {
    let bw = right(4 * l4, west_in);
    let be = right(4 * l4, east_in);
    var x = vec4f();
    let a0 = a[at0 + l4];
    x = quadBroadcast(a0, 0); c0w = add(bw, x, c0w); c0e = add(be, x, c0e);
    x = quadBroadcast(a0, 1); c1w = add(bw, x, c1w); c1e = add(be, x, c1e);
    x = quadBroadcast(a0, 2); c2w = add(bw, x, c2w); c2e = add(be, x, c2e);
    x = quadBroadcast(a0, 3); c3w = add(bw, x, c3w); c3e = add(be, x, c3e);
    let a1 = a[at1 + l4];
    x = quadBroadcast(a1, 0); c4w = add(bw, x, c4w); c4e = add(be, x, c4e);
    x = quadBroadcast(a1, 1); c5w = add(bw, x, c5w); c5e = add(be, x, c5e);
    x = quadBroadcast(a1, 2); c6w = add(bw, x, c6w); c6e = add(be, x, c6e);
    x = quadBroadcast(a1, 3); c7w = add(bw, x, c7w); c7e = add(be, x, c7e);
    if (TALL) {
      let a2 = a[at2 + l4];
      x = quadBroadcast(a2, 0); c8w = add(bw, x, c8w); c8e = add(be, x, c8e);
      x = quadBroadcast(a2, 1); c9w = add(bw, x, c9w); c9e = add(be, x, c9e);
      x = quadBroadcast(a2, 2); c10w = add(bw, x, c10w); c10e = add(be, x, c10e);
      x = quadBroadcast(a2, 3); c11w = add(bw, x, c11w); c11e = add(be, x, c11e);
      let a3 = a[at3 + l4];
      x = quadBroadcast(a3, 0); c12w = add(bw, x, c12w); c12e = add(be, x, c12e);
      x = quadBroadcast(a3, 1); c13w = add(bw, x, c13w); c13e = add(be, x, c13e);
      x = quadBroadcast(a3, 2); c14w = add(bw, x, c14w); c14e = add(be, x, c14e);
      x = quadBroadcast(a3, 3); c15w = add(bw, x, c15w); c15e = add(be, x, c15e);
    }
  }

  end(row + 0, west, c0w, c0e);
  end(row + 1, west, c1w, c1e);
  end(row + 2, west, c2w, c2e);
  end(row + 3, west, c3w, c3e);
  end(row + 4, west, c4w, c4e);
  end(row + 5, west, c5w, c5e);
  end(row + 6, west, c6w, c6e);
  end(row + 7, west, c7w, c7e);
  if (TALL) {
    end(row + 8, west, c8w, c8e);
    end(row + 9, west, c9w, c9e);
    end(row + 10, west, c10w, c10e);
    end(row + 11, west, c11w, c11e);
    end(row + 12, west, c12w, c12e);
    end(row + 13, west, c13w, c13e);
    end(row + 14, west, c14w, c14e);
    end(row + 15, west, c15w, c15e);
  }
}
