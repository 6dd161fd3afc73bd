// A head in registers: the part that all attention kernels for heads of 4, 8, … 64 numbers have in common.

// D / 4.
override HEAD_VEC4: u32 = 8;
// Heads that a workgroup takes, of one sequence or of several.
override PAIRS: u32 = 16;
// Whether an invocation takes two rows (or keys), four apart, which halves the loads; else one. Two of a large head are
// more than the registers of a GPU hold.
override TWO: bool = true;

struct Sizes {
  t: u32,
  heads: u32,
  pairs: u32, // B H
  scale: f32,
}

// The first two bindings of each kernel; the others, `sizes` among them, and `store_part` are its own.
@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> start: array<i32>;

// The numbers of a head, zeros past its end; parts that it does not reach fold away.
struct Head {
  a: mat4x4f,
  b: mat4x4f,
  c: mat4x4f,
  d: mat4x4f,
}

fn inner(x: mat4x4f, y: mat4x4f) -> f32 {
  return dot(x[0], y[0]) + dot(x[1], y[1]) + dot(x[2], y[2]) + dot(x[3], y[3]);
}

fn head_inner(x: Head, y: Head) -> f32 {
  var sum = inner(x.a, y.a);
  if (HEAD_VEC4 > 4) { sum += inner(x.b, y.b); }
  if (HEAD_VEC4 > 8) { sum += inner(x.c, y.c); }
  if (HEAD_VEC4 > 12) { sum += inner(x.d, y.d); }
  return sum;
}

// x factor + y weight
fn head_combine(x: Head, factor: f32, y: Head, weight: f32) -> Head {
  var sum = x;
  sum.a = x.a * factor + y.a * weight;
  if (HEAD_VEC4 > 4) { sum.b = x.b * factor + y.b * weight; }
  if (HEAD_VEC4 > 8) { sum.c = x.c * factor + y.c * weight; }
  if (HEAD_VEC4 > 12) { sum.d = x.d * factor + y.d * weight; }
  return sum;
}

// x + y weight
fn head_add(x: Head, y: Head, weight: f32) -> Head {
  var sum = x;
  sum.a += y.a * weight;
  if (HEAD_VEC4 > 4) { sum.b += y.b * weight; }
  if (HEAD_VEC4 > 8) { sum.c += y.c * weight; }
  if (HEAD_VEC4 > 12) { sum.d += y.d * weight; }
  return sum;
}

fn scaled(x: Head) -> Head {
  return Head(x.a * sizes.scale, x.b * sizes.scale, x.c * sizes.scale, x.d * sizes.scale);
}

fn load_part(at: u32, part: u32) -> mat4x4f {
  var m = mat4x4f();
  if (HEAD_VEC4 > 4 * part) { m[0] = qkv[at + 4 * part]; }
  if (HEAD_VEC4 > 4 * part + 1) { m[1] = qkv[at + 4 * part + 1]; }
  if (HEAD_VEC4 > 4 * part + 2) { m[2] = qkv[at + 4 * part + 2]; }
  if (HEAD_VEC4 > 4 * part + 3) { m[3] = qkv[at + 4 * part + 3]; }
  return m;
}

fn load(at: u32) -> Head {
  return Head(load_part(at, 0), load_part(at, 1), load_part(at, 2), load_part(at, 3));
}

// A head that four neighbours need. With quads, past its end there is anything, which is multiplied by zeros or not stored.
fn load_part_shared(at: u32, part: u32, lane: u32) -> mat4x4f {
  if (HEAD_VEC4 <= 4 * part) {
    return mat4x4f();
  }
  if (QUADS) {
    return share(qkv[at + min(4 * part + lane, HEAD_VEC4 - 1)]);
  }
  return load_part(at, part);
}

fn load_shared(at: u32, lane: u32) -> Head {
  return Head(
    load_part_shared(at, 0, lane),
    load_part_shared(at, 1, lane),
    load_part_shared(at, 2, lane),
    load_part_shared(at, 3, lane),
  );
}

// By the kernel's own `store_part`: each writes another tensor.
fn store(at: u32, x: Head, scale: f32) {
  store_part(at, 0, x.a * scale);
  store_part(at, 1, x.b * scale);
  store_part(at, 2, x.c * scale);
  store_part(at, 3, x.d * scale);
}

// The first real position of any of the workgroup's sequences: the same in all its lanes, as quad operations want it.
fn first_seen(group: u32) -> u32 {
  var first = sizes.t;
  let last = min(group * PAIRS + PAIRS, sizes.pairs) - 1;
  for (var batch = group * PAIRS / sizes.heads; batch <= last / sizes.heads; batch += 1) {
    first = min(first, u32(max(start[batch], 0)));
  }
  return first;
}
