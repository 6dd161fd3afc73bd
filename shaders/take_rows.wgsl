// Chosen rows of each of four planes.
//
//   y_k[m, r] = planes[k, rows[m], r]
//
// Shapes: rows [M], each below B; planes [4, B, R]; y_0 to y_3 [M, R]. Bindings: 0 rows, 1 planes, 2 to 5 y (written),
// 6 sizes.
// A workgroup of 64 takes 256 numbers of each plane; a lane takes every 64th. As bits, whatever they mean.

struct Sizes {
  chosen: u32,
  rows: u32,
  length: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<i32>;
@group(0) @binding(1) var<storage, read> planes: array<u32>;
@group(0) @binding(2) var<storage, read_write> y_0: array<u32>;
@group(0) @binding(3) var<storage, read_write> y_1: array<u32>;
@group(0) @binding(4) var<storage, read_write> y_2: array<u32>;
@group(0) @binding(5) var<storage, read_write> y_3: array<u32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let plane = sizes.rows * sizes.length;
  let first = (group.y * groups.x + group.x) * 256 + lane;
  let last = min(first + 256, sizes.chosen * sizes.length);
  for (var i = first; i < last; i += 64) {
    let row = i / sizes.length;
    let source = u32(rows[row]) * sizes.length + i - row * sizes.length;
    y_0[i] = planes[source];
    y_1[i] = planes[plane + source];
    y_2[i] = planes[2 * plane + source];
    y_3[i] = planes[3 * plane + source];
  }
}
