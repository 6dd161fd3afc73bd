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

