// Gradient of layer norm with respect to its input.
//
//   dx = rstd (g - mean(g) - n mean(g n)),   n = (x - mean) rstd,   g = dy gamma
//
// Shapes: x, dy, dx [M, C]; gamma [C]; mean, rstd [M]; any sizes.
// Bindings: 0 x, 1 gamma, 2 mean, 3 rstd, 4 dy, 5 dx (written), 6 sizes.
// An invocation takes one row, a workgroup 32 rows; no barrier.
// Numbers: float32. 5e-6 against the reference.

struct Sizes {
  m: u32,
  c: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= sizes.m) {
    return;
  }
  let first = row * sizes.c;
  let centre = mean[row];
  let scale = rstd[row];
  var sum_g = 0.0;
  var sum_gn = 0.0;
  for (var c = 0u; c < sizes.c; c += 1) {
    let g = dy[first + c] * gamma[c];
    sum_g += g;
    sum_gn += g * (x[first + c] - centre) * scale;
  }
  let mean_g = sum_g / f32(sizes.c);
  let mean_gn = sum_gn / f32(sizes.c);
  for (var c = 0u; c < sizes.c; c += 1) {
    let n = (x[first + c] - centre) * scale;
    dx[first + c] = scale * (dy[first + c] * gamma[c] - mean_g - n * mean_gn);
  }
}
