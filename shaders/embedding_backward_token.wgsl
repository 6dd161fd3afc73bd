// Second half of the token embedding's gradient: the sum over each vocabulary entry's tokens.
//
//   dwte[v] = sum over i with ids[i] = v of dy[i]
//
// Shapes: head [V], previous [M] int32, from embedding_backward_lists; dy [M, C]; dwte [V, C]; any sizes.
// Bindings: 0 head, 1 previous, 2 dy, 3 dwte (written), 4 sizes.
// An invocation takes 4 columns of one entry and walks over its list; a workgroup takes 64 of these. No atomics: the sum
// is in the order of the list, the same each time.
// Numbers: float32. 1e-5 against the reference, which adds in the other order.

struct Sizes {
  v: u32,
  c: u32,
}

@group(0) @binding(0) var<storage, read> head: array<i32>;
@group(0) @binding(1) var<storage, read> previous: array<i32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dwte: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  // Columns q, q + quarter, q + 2 quarter and q + 3 quarter, so that neighbouring lanes read neighbouring numbers.
  let quarter = (sizes.c + 3) / 4;
  let entry = index / quarter;
  if (entry >= sizes.v) {
    return;
  }
  let first = index % quarter;
  let columns = vec4u(first, first + quarter, first + 2 * quarter, first + 3 * quarter);
  // Columns past the end read the last one and are not written.
  let inside = min(columns, vec4u(sizes.c - 1));
  var sum = vec4f();
  var link = head[entry];
  while (link > 0) {
    let token = u32(link - 1);
    let at = inside + vec4u(token * sizes.c);
    sum += vec4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]);
    link = previous[token];
  }
  for (var i = 0u; i < 4; i += 1) {
    if (columns[i] < sizes.c) {
      dwte[entry * sizes.c + columns[i]] = sum[i];
    }
  }
}
