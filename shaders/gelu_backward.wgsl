// Gradient of GELU in the tanh form of GPT-2.
//
//   dx = dy (s + x s (1 - s) 2u'),   s = 1 / (1 + exp(-2u)),   2u' = sqrt(8 / pi) (1 + 3 * 0.044715 x^2)
//
// Shapes: x, dy, dx of n numbers each, any n.
// Bindings: 0 x, 1 dy, 2 dx (written), 3 n.
// A workgroup of 64 takes 512 numbers; a lane takes every 64th of them.
// Numbers: float32; x is clamped where s is 0 or 1 to the last bit, so nothing overflows, and 1 - s is
// e s with e = exp(-2u), without cancellation. 1e-5 against the reference, which cancels there.

const ROOT_8_OVER_PI = 1.5957691216057308;
const CUBIC = 0.044715;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> n: vec4u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 512 + lane;
  let end = min(first + 512, n.x);
  for (var i = first; i < end; i += 64) {
    let v = clamp(x[i], -10.0, 10.0);
    let e = exp(-ROOT_8_OVER_PI * (v + CUBIC * v * v * v));
    let s = 1 / (1 + e);
    let slope = ROOT_8_OVER_PI * (1 + 3 * CUBIC * v * v);
    dx[i] = dy[i] * (s + v * s * (e * s) * slope);
  }
}
