// First half of the token embedding's gradient: the tokens of each vocabulary entry, as linked lists.
//
//   head[v] = 1 + the last i with ids[i] = v, or 0;   previous[i] = 1 + the last i' < i with ids[i'] = ids[i], or 0
//
// Shapes: ids [M] int32; head [V] int32; previous [M] int32; any sizes.
// Bindings: 0 ids, 1 head, 2 previous (1 and 2 written), 3 sizes.
// An invocation finds one link by scanning back, a workgroup takes 64: V heads first, then M links. M (V + M) reads of
// an integer at the most, against the M C of the sums that follow; no atomics, so the lists are the same each time.

struct Sizes {
  m: u32,
  v: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<i32>;
@group(0) @binding(1) var<storage, read_write> head: array<i32>;
@group(0) @binding(2) var<storage, read_write> previous: array<i32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// 1 + the last index below `end` that holds `id`, or 0.
fn last_before(end: u32, id: i32) -> i32 {
  for (var i = end; i > 0; i -= 1) {
    if (ids[i - 1] == id) {
      return i32(i);
    }
  }
  return 0;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3u) {
  let i = invocation.x;
  if (i < sizes.v) {
    head[i] = last_before(sizes.m, i32(i));
  } else if (i < sizes.v + sizes.m) {
    let token = i - sizes.v;
    previous[token] = last_before(token, ids[token]);
  }
}
