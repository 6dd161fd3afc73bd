// The second half of a matrix product that was cut along its sums: adds the parts up and ends them, as a tile would.
//
//   Y[i, j] = sum over s of parts[s, i, j],   with SUMS also   sums[j] = sum over s of part_sums[s, j]
//
// A part of a module: a matrix_product_end_*.wgsl begins and ends every sum and declares the other bindings.
// Shapes: parts [PARTS, M, N], part_sums [PARTS, N], y [M, N]; N a multiple of 4.
// Bindings: 0 parts, 1 part_sums (any tensor without SUMS), then those of the end.
// An invocation takes four columns of a row.
// Numbers: float32, summed over s in order, so the same bits each time.

alias Cell = vec4f;

override PARTS: u32 = 4;

@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read> part_sums: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  let n4 = sizes.n / 4;
  let count = sizes.m * n4;
  if (index >= count) {
    return;
  }
  var value = start(index % n4);
  for (var part = 0u; part < PARTS; part += 1) {
    value += parts[part * count + index];
  }
  finish(index, value);
  if (SUMS && index < n4) {
    var sum = vec4f();
    for (var part = 0u; part < PARTS; part += 1) {
      sum += part_sums[part * n4 + index];
    }
    finish_sum(index, sum);
  }
}
