// Matrix product Y = op(A) op(B) and what an end makes of it, by way of workgroup memory: made for GPUs on which a
// barrier is cheap. On one that is computed by the CPU it takes 4 to 10 times as long as the other tiles.
//
//   Y[i, j] = sum over l of A[i, l] B[l, j],   A = a or a', B = b or b'
//   with SUMS also   sums[j] = sum over l of B[l, j]
//
// A part of a module: a matrix_product_staged_*.wgsl comes before it, and says in which numbers operands are staged; a
// matrix_product_end_*.wgsl begins and ends every sum and declares the other bindings.
// Shapes: a [M, K] (or [K, M] with TRANSPOSE_A), b [K, N] (or [N, K] with TRANSPOSE_B), y [M, N]. N must be a multiple
// of 4, K too unless TRANSPOSE_A, and M with TRANSPOSE_A. Both transposed at once is not served.
// With PARTS the sums over l are cut into as many, each a z of the workgroups: y is [PARTS, M, N] and sums [PARTS, N],
// and matrix_product_join.wgsl adds them up.
// Bindings: 0 a, 1 b, then those of the end.
// A workgroup of 8 x 8 covers 64 x 64 of Y (32 x 32 when not LARGE) and goes along l in steps of 16: every invocation
// loads a block of 4 x 4 of A and one of B (of one of the two), which lie in workgroup memory as l x 4 rows and l x 4
// columns, and keeps 8 x 8 (4 x 4) of Y in registers, as vec4s that are 32 rows and 32 columns apart, so that
// neighbouring lanes read neighbouring vec4s. The next blocks are on their way while this step is computed.
// Rows and columns past the end read the last ones and are not written; beyond K zeros are staged.
//
// Numbers: float32, summed over l in order. Against float64 on N(0, 1) operands: 1e-5 at K = 128, 1e-4 at K = 1024.
// When SCALED, what is staged is first multiplied by a power of two, one for A and one for B, that takes the largest
// number that the workgroup has met so far to [2^14, 2^15). Float16 then keeps 11 bits of all that is at most 2^28 times
// smaller, of gradients too, which as they are would be 0 in it (6e-8 is its smallest number), and nothing overflows.
// Sums are float32 in those units; when a larger number comes they are multiplied by a power of two, and at the end too:
// exactly. That costs no barrier and nothing in the inner loop, so gradients need no path of their own. Staging rounds
// each operand to 2^-11 of itself (2^-10 where the device cuts off), so that the error is at most
//   2^-10 (2^-9) * sum over l of |A[i, l]| |B[l, j]|,   and half of that for sums;
// on N(0, 1) operands 2e-4 of that sum was seen at K = 132.

alias Cell = vec4f;

override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override LARGE: bool = true;
override PARTS: u32 = 1;
// Of four rows or columns, that a workgroup covers.
override BLOCKS: u32 = select(8u, 16u, LARGE);

const STEP = 16u;
// The least exponent, biased, that is scaled up in full.
const LEAST_TOP = 15u;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;

var<workgroup> staged_a: array<Staged, STEP * BLOCKS>;
var<workgroup> staged_b: array<Staged, STEP * BLOCKS>;
// Biased exponents of the largest numbers so far.
var<workgroup> top_a: atomic<u32>;
var<workgroup> top_b: atomic<u32>;

// Four rows of A at l .. l + 3, a column of the matrix each; 0 from l = past on.
fn load_a(l: u32, block: u32, past: u32) -> mat4x4f {
  if (TRANSPOSE_A) {
    let m4 = sizes.m / 4;
    let at = l * m4 + min(block, m4 - 1);
    var x = mat4x4f();
    for (var i = 0u; i < 4 && l + i < past; i += 1) {
      x[i] = a[at + i * m4];
    }
    return x;
  }
  if (l >= past) {
    return mat4x4f();
  }
  let k4 = sizes.k / 4;
  let rows = min(vec4u(4 * block) + vec4u(0, 1, 2, 3), vec4u(sizes.m - 1)) * k4 + l / 4;
  return transpose(mat4x4f(a[rows.x], a[rows.y], a[rows.z], a[rows.w]));
}

// Four columns of B at l .. l + 3, likewise.
fn load_b(l: u32, block: u32, past: u32) -> mat4x4f {
  let n4 = sizes.n / 4;
  let column = min(block, n4 - 1);
  if (TRANSPOSE_B) {
    if (l >= past) {
      return mat4x4f();
    }
    let k4 = sizes.k / 4;
    let at = 4 * column * k4 + l / 4;
    return transpose(mat4x4f(b[at], b[at + k4], b[at + 2 * k4], b[at + 3 * k4]));
  }
  var x = mat4x4f();
  for (var i = 0u; i < 4 && l + i < past; i += 1) {
    x[i] = b[(l + i) * n4 + column];
  }
  return x;
}

// Of the largest number in a block, biased.
fn exponent_of(block: mat4x4f) -> u32 {
  let largest = max(max(abs(block[0]), abs(block[1])), max(abs(block[2]), abs(block[3])));
  return bitcast<u32>(max(max(largest.x, largest.y), max(largest.z, largest.w))) >> 23;
}

// What takes numbers with this exponent to [2^14, 2^15), and what takes them back.
fn scale_of(top: u32) -> f32 {
  return select(1.0, bitcast<f32>((268 - top) << 23), SCALED);
}

fn unscale_of(top: u32) -> f32 {
  return select(1.0, bitcast<f32>((top - 14) << 23), SCALED);
}

// 2^-n
fn half_power(n: u32) -> f32 {
  return bitcast<f32>((127 - min(n, 127u)) << 23);
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n4 = sizes.n / 4;
  // The part of the sums that is this workgroup's.
  let share = (sizes.k + PARTS * STEP - 1) / (PARTS * STEP) * STEP;
  let first = min(group.z * share, sizes.k);
  let past = min(first + share, sizes.k);

  // The blocks that this invocation loads; when not LARGE half of them load A and the others B.
  let loads_a = LARGE || lane < 32;
  let loads_b = LARGE || lane >= 32;
  let block = lane % BLOCKS;
  let block_l = lane / BLOCKS % 4 * 4;
  let block_a = group.y * BLOCKS + block;
  let block_b = group.x * BLOCKS + block;
  var next_a = mat4x4f();
  var next_b = mat4x4f();
  if (loads_a) {
    next_a = load_a(first + block_l, block_a, past);
  }
  if (loads_b) {
    next_b = load_b(first + block_l, block_b, past);
  }

  // c<row><w|e>: rows 0 .. 3 of the upper half, then of the lower; western and eastern four columns.
  var c0w = vec4f(); var c0e = vec4f();
  var c1w = vec4f(); var c1e = vec4f();
  var c2w = vec4f(); var c2e = vec4f();
  var c3w = vec4f(); var c3e = vec4f();
  var c4w = vec4f(); var c4e = vec4f();
  var c5w = vec4f(); var c5e = vec4f();
  var c6w = vec4f(); var c6e = vec4f();
  var c7w = vec4f(); var c7e = vec4f();
  var sum_w = vec4f();
  var sum_e = vec4f();
  var own_top_a = LEAST_TOP;
  var own_top_b = LEAST_TOP;

  for (var step = first; step < past; step += STEP) {
    if (SCALED) {
      let exponent_a = exponent_of(next_a);
      if (exponent_a > own_top_a) {
        atomicMax(&top_a, exponent_a);
      }
      let exponent_b = exponent_of(next_b);
      if (exponent_b > own_top_b) {
        atomicMax(&top_b, exponent_b);
      }
    }
    workgroupBarrier();
    if (SCALED) {
      let now_a = max(atomicLoad(&top_a), LEAST_TOP);
      let now_b = max(atomicLoad(&top_b), LEAST_TOP);
      if (now_a > own_top_a || now_b > own_top_b) {
        let factor = half_power(now_a - own_top_a) * half_power(now_b - own_top_b);
        c0w *= factor; c0e *= factor;
        c1w *= factor; c1e *= factor;
        c2w *= factor; c2e *= factor;
        c3w *= factor; c3e *= factor;
        c4w *= factor; c4e *= factor;
        c5w *= factor; c5e *= factor;
        c6w *= factor; c6e *= factor;
        c7w *= factor; c7e *= factor;
        own_top_a = now_a;
        own_top_b = now_b;
      }
    }
    let to = block_l * BLOCKS + block;
    if (loads_a) {
      let scale = scale_of(own_top_a);
      staged_a[to] = Staged(next_a[0] * scale);
      staged_a[to + BLOCKS] = Staged(next_a[1] * scale);
      staged_a[to + 2 * BLOCKS] = Staged(next_a[2] * scale);
      staged_a[to + 3 * BLOCKS] = Staged(next_a[3] * scale);
    }
    if (loads_b) {
      let scale = scale_of(own_top_b);
      staged_b[to] = Staged(next_b[0] * scale);
      staged_b[to + BLOCKS] = Staged(next_b[1] * scale);
      staged_b[to + 2 * BLOCKS] = Staged(next_b[2] * scale);
      staged_b[to + 3 * BLOCKS] = Staged(next_b[3] * scale);
    }
    workgroupBarrier();
    if (loads_a) {
      next_a = load_a(step + STEP + block_l, block_a, past);
    }
    if (loads_b) {
      next_b = load_b(step + STEP + block_l, block_b, past);
    }

    let unscale_b = unscale_of(own_top_b);
    for (var l = 0u; l < STEP; l += 1) {
      let upper = vec4f(staged_a[l * BLOCKS + local.y]);
      let west = vec4f(staged_b[l * BLOCKS + local.x]);
      c0w += west * upper.x;
      c1w += west * upper.y;
      c2w += west * upper.z;
      c3w += west * upper.w;
      if (LARGE) {
        let lower = vec4f(staged_a[l * BLOCKS + local.y + 8]);
        let east = vec4f(staged_b[l * BLOCKS + local.x + 8]);
        c0e += east * upper.x;
        c1e += east * upper.y;
        c2e += east * upper.z;
        c3e += east * upper.w;
        c4w += west * lower.x; c4e += east * lower.x;
        c5w += west * lower.y; c5e += east * lower.y;
        c6w += west * lower.z; c6e += east * lower.z;
        c7w += west * lower.w; c7e += east * lower.w;
        if (SUMS && group.y == 0) {
          sum_e += east * unscale_b;
        }
      }
      if (SUMS && group.y == 0) {
        sum_w += west * unscale_b;
      }
    }
  }

  let row = 4 * (group.y * BLOCKS + local.y);
  let column = group.x * BLOCKS + local.x;
  // One by one: their product may have no float32.
  let unscale = vec2f(unscale_of(own_top_a), unscale_of(own_top_b));
  end(group.z, row, column, c0w, c0e, unscale);
  end(group.z, row + 1, column, c1w, c1e, unscale);
  end(group.z, row + 2, column, c2w, c2e, unscale);
  end(group.z, row + 3, column, c3w, c3e, unscale);
  if (LARGE) {
    end(group.z, row + 32, column, c4w, c4e, unscale);
    end(group.z, row + 33, column, c5w, c5e, unscale);
    end(group.z, row + 34, column, c6w, c6e, unscale);
    end(group.z, row + 35, column, c7w, c7e, unscale);
  }
  if (SUMS && group.y == 0 && local.y == 0) {
    if (column < n4) {
      finish_sum(group.z * n4 + column, sum_w);
    }
    if (LARGE && column + 8 < n4) {
      finish_sum(group.z * n4 + column + 8, sum_e);
    }
  }
}

fn end(part: u32, row: u32, column: u32, west: vec4f, east: vec4f, unscale: vec2f) {
  let n4 = sizes.n / 4;
  if (row >= sizes.m) {
    return;
  }
  let at = (part * sizes.m + row) * n4 + column;
  if (column < n4) {
    finish(at, start(column) + west * unscale.x * unscale.y);
  }
  if (LARGE && column + 8 < n4) {
    finish(at + 8, start(column + 8) + east * unscale.x * unscale.y);
  }
}
