// Gradients of a linear layer with one output, over a range of positions.
//
//   dhidden[b, first + t] = dy[b, t] weight, and 0 elsewhere;   dweight = sum dy hidden,   dbias = sum dy
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: hidden, dhidden [B, T, C]; weight, dweight [C]; dy [B, N]; dbias one number; any sizes.
// Bindings: 0 hidden, 1 weight, 2 dy, 3 dhidden, 4 dweight, 5 dbias (3 to 5 written), 6 sizes.
// The first workgroups of 8 x 8, which take longest, take 8 columns of `Numbers` each: invocation (c, part) adds every
// eighth row of one, and after the one barrier part 0 adds the eight partial sums, in order: the result does not depend
// on timing. The others take 512 `Numbers` of dhidden each, an invocation every 64th of them.
// Numbers: float32. 1e-5 against the reference for dhidden, 1e-4 for the sums of M = 700 rows.

struct Sizes {
  rows: u32,
  tokens: u32,
  length: u32,
  first: u32,
  count: u32,
  c: u32,
  column_groups: u32,
}

@group(0) @binding(0) var<storage, read> hidden: array<Numbers>;
@group(0) @binding(1) var<storage, read> weight: array<Numbers>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_hidden: array<Numbers>;
@group(0) @binding(4) var<storage, read_write> d_weight: array<Numbers>;
@group(0) @binding(5) var<storage, read_write> d_bias: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

fn write_states(group: u32, lane: u32, width: u32) {
  let end = min(group * 512 + 512, sizes.tokens * width);
  for (var i = group * 512 + lane; i < end; i += 64) {
    let token = i / width;
    let at = token % sizes.length;
    var d = Numbers();
    if (at >= sizes.first && at - sizes.first < sizes.count) {
      d = dy[token / sizes.length * sizes.count + at - sizes.first] * weight[i % width];
    }
    d_hidden[i] = d;
  }
}

var<workgroup> partial_weight: array<array<Numbers, 8>, 8>;
var<workgroup> partial_bias: array<f32, 8>;

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = sizes.c / COUNT;
  if (group.x >= sizes.column_groups) {
    write_states(group.x - sizes.column_groups, lane, width);
    return;
  }
  let column = group.x * 8 + local.x;
  // Columns past the end read the last one and are not written.
  let inside = min(column, width - 1);
  var weight_sum = Numbers();
  var bias_sum = 0.0;
  for (var row = local.y; row < sizes.rows; row += 8) {
    let token = row / sizes.count * sizes.length + sizes.first + row % sizes.count;
    weight_sum += dy[row] * hidden[token * width + inside];
    bias_sum += dy[row];
  }
  partial_weight[local.y][local.x] = weight_sum;
  if (local.x == 0) {
    partial_bias[local.y] = bias_sum;
  }
  workgroupBarrier();
  if (local.y == 0 && column < width) {
    for (var part = 1u; part < 8; part += 1) {
      weight_sum += partial_weight[part][local.x];
      bias_sum += partial_bias[part];
    }
    d_weight[column] = weight_sum;
    if (column == 0) {
      d_bias[0] = bias_sum;
    }
  }
}
