// Second half of the embedding's gradient: the sums over each vocabulary entry's tokens and over each position.
//
//   dwte[v] = sum over i with ids[i] = v of dy[i]   (added to what is there, with `PASSED`)
//   dwpe[n] = sum over (b, t) with max(offset + t - start[b], 0) = n of dy[b, t]
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: head [V], previous [M], from embedding_backward_lists; start [B] int32; dy [B, T, C], M = B T; dwte [V, C];
// dwpe [N, C]; any sizes.
// Bindings: 0 head, 1 previous, 2 start, 3 dy, 4 dwte (written, read with `PASSED`), 5 dwpe (written), 6 sizes.
// A workgroup takes 64 of `Numbers` of entries, walking over their lists, or of positions: the first `token_groups` take
// entries. With `PASSED`, entries without a token stay as they are. A row has one token at a position above 0, and its
// padding and first token at 0. No atomics: each sum is in one order, the same each time.
// Numbers: float32. 1e-5 against the reference, which adds the tokens in the other order.

// Whether dwte holds the gradient of the output head, which shares the weights.
override PASSED: bool = false;

struct Sizes {
  batch: u32,
  t: u32,
  v: u32,
  n: u32,
  c: u32,
  offset: i32,
  token_groups: u32,
}

@group(0) @binding(0) var<storage, read> head: array<u32>;
@group(0) @binding(1) var<storage, read> previous: array<u32>;
@group(0) @binding(2) var<storage, read> start: array<i32>;
@group(0) @binding(3) var<storage, read> dy: array<Numbers>;
@group(0) @binding(4) var<storage, read_write> dwte: array<Numbers>;
@group(0) @binding(5) var<storage, read_write> dwpe: array<Numbers>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

fn add_tokens(entry: u32, column: u32, width: u32) {
  if (entry >= sizes.v) {
    return;
  }
  var link = head[entry];
  if (PASSED && link == 0) {
    return;
  }
  var sum = Numbers();
  while (link > 0) {
    sum += dy[(link - 1) * width + column];
    link = previous[link - 1];
  }
  let at = entry * width + column;
  if (PASSED) { sum += dwte[at]; }
  dwte[at] = sum;
}

fn add_position(position: u32, column: u32, width: u32) {
  if (position >= sizes.n) {
    return;
  }
  var sum = Numbers();
  for (var b = 0u; b < sizes.batch; b += 1) {
    let last = i32(position) - sizes.offset + start[b];
    let first = select(last, 0, position == 0);
    // A negative `last` lies before this window: then there is nothing to add.
    for (var t = max(first, 0); t <= min(last, i32(sizes.t) - 1); t += 1) {
      sum += dy[(b * sizes.t + u32(t)) * width + column];
    }
  }
  dwpe[position * width + column] = sum;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  let of_tokens = group < sizes.token_groups;
  let index = (group - select(sizes.token_groups, 0, of_tokens)) * 64 + lane;
  let width = sizes.c / COUNT;
  if (of_tokens) {
    add_tokens(index / width, index % width, width);
  } else {
    add_position(index / width, index % width, width);
  }
}
