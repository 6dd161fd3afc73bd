// Gradient of the position embedding of left-padded rows.
//
//   dwpe[n] = sum over (b, t) with max(offset + t - start[b], 0) = n of dy[b, t]
//
// Shapes: start [B] int32; dy [B, T, C]; dwpe [N, C]; any sizes.
// Bindings: 0 start, 1 dy, 2 dwpe (written), 3 sizes.
// An invocation takes one column of one position, a workgroup 64 of these. A row has one token at a position above 0,
// and its padding and first token at 0. No atomics: sums are in the order of (b, t).
// Numbers: float32. 1e-5 against the reference.

struct Sizes {
  batch: u32,
  t: u32,
  n: u32,
  c: u32,
  offset: i32,
}

@group(0) @binding(0) var<storage, read> start: array<i32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dwpe: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let position = i32(id.x / sizes.c);
  let column = id.x % sizes.c;
  if (u32(position) >= sizes.n) {
    return;
  }
  var sum = 0.0;
  for (var b = 0u; b < sizes.batch; b += 1) {
    let last = position - sizes.offset + start[b];
    let first = select(last, 0, position == 0);
    // A negative `last` lies before this window: then there is nothing to add.
    for (var t = max(first, 0); t <= min(last, i32(sizes.t) - 1); t += 1) {
      sum += dy[(b * sizes.t + u32(t)) * sizes.c + column];
    }
  }
  dwpe[id.x] = sum;
}
