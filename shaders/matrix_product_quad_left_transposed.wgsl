// Matrix product Y = A' B, as for the gradient of a weight, and what an end makes of it, on devices with quad
// operations.
//
//   Y[i, j] = sum over l of a[l, i] b[l, j],   with SUMS also   sums[j] = sum over l of b[l, j]
//
// A part of a module, after matrix_product_quad_part.wgsl: a matrix_product_end_*.wgsl begins and ends every sum and
// declares the other bindings.
// Only where four neighbouring invocations are known to form a quad.
// Shapes: a [K, M], b [K, N], y [M, N]; M and N multiples of 4, any K.
// Bindings: 0 a, 1 b, then those of the end.
// Tile, workgroup and numbers as in matrix_product_quad.wgsl; here each lane of a quad loads four rows of Y at one of
// four l. What differs is the order inside a step, by l instead of by row: the other one spills here, and this one
// there.

@compute @workgroup_size(LANES, ROW_GROUPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * ROW_GROUPS + local.y) * select(8u, 16u, TALL);
  let west = group.x * 2 * LANES + local.x;
  let quad_lane = local.x % 4;
  let m4 = sizes.m / 4;
  let n4 = sizes.n / 4;
  let west_in = min(west, n4 - 1);
  let east_in = min(west + LANES, n4 - 1);
  let top = row / 4;
  let at0 = min(top, m4 - 1);
  let at1 = min(top + 1, m4 - 1);
  let at2 = min(top + 2, m4 - 1);
  let at3 = min(top + 3, m4 - 1);

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
  var sum_w = vec4f();
  var sum_e = vec4f();

  let whole = sizes.k - sizes.k % 4;
  for (var l = 0u; l < whole; l += 4) {
    let at_w = l * n4 + west_in;
    let at_e = l * n4 + east_in;
    let bw0 = b[at_w]; let bw1 = b[at_w + n4]; let bw2 = b[at_w + 2 * n4]; let bw3 = b[at_w + 3 * n4];
    let be0 = b[at_e]; let be1 = b[at_e + n4]; let be2 = b[at_e + 2 * n4]; let be3 = b[at_e + 3 * n4];
    let first = (l + quad_lane) * m4;
    var x = vec4f();
    let a0 = a[first + at0];
    x = quadBroadcast(a0, 0);
    c0w = fma(bw0, x.xxxx, c0w); c0e = fma(be0, x.xxxx, c0e);
    c1w = fma(bw0, x.yyyy, c1w); c1e = fma(be0, x.yyyy, c1e);
    c2w = fma(bw0, x.zzzz, c2w); c2e = fma(be0, x.zzzz, c2e);
    c3w = fma(bw0, x.wwww, c3w); c3e = fma(be0, x.wwww, c3e);
    x = quadBroadcast(a0, 1);
    c0w = fma(bw1, x.xxxx, c0w); c0e = fma(be1, x.xxxx, c0e);
    c1w = fma(bw1, x.yyyy, c1w); c1e = fma(be1, x.yyyy, c1e);
    c2w = fma(bw1, x.zzzz, c2w); c2e = fma(be1, x.zzzz, c2e);
    c3w = fma(bw1, x.wwww, c3w); c3e = fma(be1, x.wwww, c3e);
    x = quadBroadcast(a0, 2);
    c0w = fma(bw2, x.xxxx, c0w); c0e = fma(be2, x.xxxx, c0e);
    c1w = fma(bw2, x.yyyy, c1w); c1e = fma(be2, x.yyyy, c1e);
    c2w = fma(bw2, x.zzzz, c2w); c2e = fma(be2, x.zzzz, c2e);
    c3w = fma(bw2, x.wwww, c3w); c3e = fma(be2, x.wwww, c3e);
    x = quadBroadcast(a0, 3);
    c0w = fma(bw3, x.xxxx, c0w); c0e = fma(be3, x.xxxx, c0e);
    c1w = fma(bw3, x.yyyy, c1w); c1e = fma(be3, x.yyyy, c1e);
    c2w = fma(bw3, x.zzzz, c2w); c2e = fma(be3, x.zzzz, c2e);
    c3w = fma(bw3, x.wwww, c3w); c3e = fma(be3, x.wwww, c3e);
    let a1 = a[first + at1];
    x = quadBroadcast(a1, 0);
    c4w = fma(bw0, x.xxxx, c4w); c4e = fma(be0, x.xxxx, c4e);
    c5w = fma(bw0, x.yyyy, c5w); c5e = fma(be0, x.yyyy, c5e);
    c6w = fma(bw0, x.zzzz, c6w); c6e = fma(be0, x.zzzz, c6e);
    c7w = fma(bw0, x.wwww, c7w); c7e = fma(be0, x.wwww, c7e);
    x = quadBroadcast(a1, 1);
    c4w = fma(bw1, x.xxxx, c4w); c4e = fma(be1, x.xxxx, c4e);
    c5w = fma(bw1, x.yyyy, c5w); c5e = fma(be1, x.yyyy, c5e);
    c6w = fma(bw1, x.zzzz, c6w); c6e = fma(be1, x.zzzz, c6e);
    c7w = fma(bw1, x.wwww, c7w); c7e = fma(be1, x.wwww, c7e);
    x = quadBroadcast(a1, 2);
    c4w = fma(bw2, x.xxxx, c4w); c4e = fma(be2, x.xxxx, c4e);
    c5w = fma(bw2, x.yyyy, c5w); c5e = fma(be2, x.yyyy, c5e);
    c6w = fma(bw2, x.zzzz, c6w); c6e = fma(be2, x.zzzz, c6e);
    c7w = fma(bw2, x.wwww, c7w); c7e = fma(be2, x.wwww, c7e);
    x = quadBroadcast(a1, 3);
    c4w = fma(bw3, x.xxxx, c4w); c4e = fma(be3, x.xxxx, c4e);
    c5w = fma(bw3, x.yyyy, c5w); c5e = fma(be3, x.yyyy, c5e);
    c6w = fma(bw3, x.zzzz, c6w); c6e = fma(be3, x.zzzz, c6e);
    c7w = fma(bw3, x.wwww, c7w); c7e = fma(be3, x.wwww, c7e);
    if (TALL) {
      let a2 = a[first + at2];
      x = quadBroadcast(a2, 0);
      c8w = fma(bw0, x.xxxx, c8w); c8e = fma(be0, x.xxxx, c8e);
      c9w = fma(bw0, x.yyyy, c9w); c9e = fma(be0, x.yyyy, c9e);
      c10w = fma(bw0, x.zzzz, c10w); c10e = fma(be0, x.zzzz, c10e);
      c11w = fma(bw0, x.wwww, c11w); c11e = fma(be0, x.wwww, c11e);
      x = quadBroadcast(a2, 1);
      c8w = fma(bw1, x.xxxx, c8w); c8e = fma(be1, x.xxxx, c8e);
      c9w = fma(bw1, x.yyyy, c9w); c9e = fma(be1, x.yyyy, c9e);
      c10w = fma(bw1, x.zzzz, c10w); c10e = fma(be1, x.zzzz, c10e);
      c11w = fma(bw1, x.wwww, c11w); c11e = fma(be1, x.wwww, c11e);
      x = quadBroadcast(a2, 2);
      c8w = fma(bw2, x.xxxx, c8w); c8e = fma(be2, x.xxxx, c8e);
      c9w = fma(bw2, x.yyyy, c9w); c9e = fma(be2, x.yyyy, c9e);
      c10w = fma(bw2, x.zzzz, c10w); c10e = fma(be2, x.zzzz, c10e);
      c11w = fma(bw2, x.wwww, c11w); c11e = fma(be2, x.wwww, c11e);
      x = quadBroadcast(a2, 3);
      c8w = fma(bw3, x.xxxx, c8w); c8e = fma(be3, x.xxxx, c8e);
      c9w = fma(bw3, x.yyyy, c9w); c9e = fma(be3, x.yyyy, c9e);
      c10w = fma(bw3, x.zzzz, c10w); c10e = fma(be3, x.zzzz, c10e);
      c11w = fma(bw3, x.wwww, c11w); c11e = fma(be3, x.wwww, c11e);
      let a3 = a[first + at3];
      x = quadBroadcast(a3, 0);
      c12w = fma(bw0, x.xxxx, c12w); c12e = fma(be0, x.xxxx, c12e);
      c13w = fma(bw0, x.yyyy, c13w); c13e = fma(be0, x.yyyy, c13e);
      c14w = fma(bw0, x.zzzz, c14w); c14e = fma(be0, x.zzzz, c14e);
      c15w = fma(bw0, x.wwww, c15w); c15e = fma(be0, x.wwww, c15e);
      x = quadBroadcast(a3, 1);
      c12w = fma(bw1, x.xxxx, c12w); c12e = fma(be1, x.xxxx, c12e);
      c13w = fma(bw1, x.yyyy, c13w); c13e = fma(be1, x.yyyy, c13e);
      c14w = fma(bw1, x.zzzz, c14w); c14e = fma(be1, x.zzzz, c14e);
      c15w = fma(bw1, x.wwww, c15w); c15e = fma(be1, x.wwww, c15e);
      x = quadBroadcast(a3, 2);
      c12w = fma(bw2, x.xxxx, c12w); c12e = fma(be2, x.xxxx, c12e);
      c13w = fma(bw2, x.yyyy, c13w); c13e = fma(be2, x.yyyy, c13e);
      c14w = fma(bw2, x.zzzz, c14w); c14e = fma(be2, x.zzzz, c14e);
      c15w = fma(bw2, x.wwww, c15w); c15e = fma(be2, x.wwww, c15e);
      x = quadBroadcast(a3, 3);
      c12w = fma(bw3, x.xxxx, c12w); c12e = fma(be3, x.xxxx, c12e);
      c13w = fma(bw3, x.yyyy, c13w); c13e = fma(be3, x.yyyy, c13e);
      c14w = fma(bw3, x.zzzz, c14w); c14e = fma(be3, x.zzzz, c14e);
      c15w = fma(bw3, x.wwww, c15w); c15e = fma(be3, x.wwww, c15e);
    }
    if (SUMS && group.y == 0) {
      sum_w += bw0 + bw1 + bw2 + bw3;
      sum_e += be0 + be1 + be2 + be3;
    }
  }
  // The last K mod 4.
  for (var l = whole; l < sizes.k; l += 1) {
    let bw = b[l * n4 + west_in];
    let be = b[l * n4 + east_in];
    sum_w += bw;
    sum_e += be;
    let first = l * m4;
    var x = a[first + at0];
    c0w += bw * x.x; c0e += be * x.x;
    c1w += bw * x.y; c1e += be * x.y;
    c2w += bw * x.z; c2e += be * x.z;
    c3w += bw * x.w; c3e += be * x.w;
    x = a[first + at1];
    c4w += bw * x.x; c4e += be * x.x;
    c5w += bw * x.y; c5e += be * x.y;
    c6w += bw * x.z; c6e += be * x.z;
    c7w += bw * x.w; c7e += be * x.w;
    if (TALL) {
      x = a[first + at2];
      c8w += bw * x.x; c8e += be * x.x;
      c9w += bw * x.y; c9e += be * x.y;
      c10w += bw * x.z; c10e += be * x.z;
      c11w += bw * x.w; c11e += be * x.w;
      x = a[first + at3];
      c12w += bw * x.x; c12e += be * x.x;
      c13w += bw * x.y; c13e += be * x.y;
      c14w += bw * x.z; c14e += be * x.z;
      c15w += bw * x.w; c15e += be * x.w;
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
  if (SUMS && row == 0) {
    if (west < n4) {
      finish_sum(west, sum_w);
    }
    if (west + LANES < n4) {
      finish_sum(west + LANES, sum_e);
    }
  }
}
