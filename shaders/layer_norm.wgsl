// Layer norm over the last axis.
//
//   mean = sum x / C,   rstd = 1 / sqrt(sum (x - mean)^2 / C + epsilon),   y = (x - mean) rstd gamma + beta
//
// One part of a module: with numbers_vec4.wgsl or numbers_scalar.wgsl.
// Shapes: x, y [M, C]; gamma, beta [C]; statistics [M], (mean, rstd); any sizes.
// Bindings: 0 x, 1 gamma, 2 beta, 3 y, 4 statistics (3 and 4 written), 5 sizes.
// An invocation takes one row, a workgroup 32 rows; rows share nothing, so there is no barrier.
// Numbers: float32, variance from centred values (two passes), never E[x^2] - E[x]^2. 5e-6 against the reference.

struct Sizes {
  m: u32,
  c: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Numbers>;
@group(0) @binding(1) var<storage, read> gamma: array<Numbers>;
@group(0) @binding(2) var<storage, read> beta: array<Numbers>;
@group(0) @binding(3) var<storage, read_write> y: array<Numbers>;
@group(0) @binding(4) var<storage, read_write> statistics: array<vec2f>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= sizes.m) {
    return;
  }
  let width = sizes.c / COUNT;
  let first = row * width;
  var sum = Numbers();
  for (var c = 0u; c < width; c += 1) {
    sum += x[first + c];
  }
  let mean = sum_of(sum) / f32(sizes.c);
  var squares = Numbers();
  for (var c = 0u; c < width; c += 1) {
    let centred = x[first + c] - mean;
    squares += centred * centred;
  }
  let rstd = inverseSqrt(sum_of(squares) / f32(sizes.c) + sizes.epsilon);
  for (var c = 0u; c < width; c += 1) {
    y[first + c] = (x[first + c] - mean) * rstd * gamma[c] + beta[c];
  }
  statistics[row] = vec2f(mean, rstd);
}
