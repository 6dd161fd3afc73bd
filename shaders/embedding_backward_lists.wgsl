// First half of the embedding's gradient: the tokens of each vocabulary entry, as linked lists.
//
//   head[v] = 1 + the last i with ids[i] = v, or 0;   previous[i] = 1 + the last i' < i with ids[i'] = ids[i], or 0
//
// Shapes: ids [M] int32, each in [0, V); head [V] int32; previous [M] int32; any sizes.
// Bindings: 0 ids, 1 head, 2 previous (1 and 2 written), 3 sizes.
// An invocation makes the lists of four entries in one walk over the tokens, a workgroup those of 256: M V / 4 reads of an
// integer, against the M C of the sums that follow. No atomics: each link is written by one invocation, and the lists
// are the same each time.

struct Sizes {
  m: u32,
  v: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> head: array<u32>;
@group(0) @binding(2) var<storage, read_write> previous: array<u32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3u) {
  let first = 4 * invocation.x;
  var last = vec4u();
  for (var i = 0u; i < sizes.m; i += 1) {
    let entry = ids[i] - first; // Wraps to a large number below `first`.
    if (entry < 4) {
      previous[i] = last[entry];
      last[entry] = i + 1;
    }
  }
  for (var entry = 0u; entry < 4; entry += 1) {
    if (first + entry < sizes.v) {
      head[first + entry] = last[entry];
    }
  }
}
