// One step of AdamW on one tensor, in place. Loshchilov & Hutter 2019, algorithm 2.
//
//   g = scale gradient;   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2
//   p = keep p - rate m / (sqrt(v) + epsilon)
//
// with keep = 1 - lr weightDecay and rate = lr sqrt(1 - beta2^t) / (1 - beta1^t). The host gives epsilon as it is for the
// TensorFlow 1 form and times sqrt(1 - beta2^t) for PyTorch's, which is all that the two differ in.
//
// Shapes: gradient, p, m, v of n numbers each, any n; scale of one number.
// Bindings: 0 gradient, 1 scale, 2 p, 3 m, 4 v (2 to 4 read and written), 5 step.
// `main` takes vec4s, n / 4 of them, where n is a multiple of 4; `main_scalar` takes single numbers. A workgroup of 64
// takes 512 of them; a lane takes every 64th.
// Numbers: float32. 2e-6 of the learning rate a step against the reference.

struct Step {
  count: u32,
  keep: f32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(5) var<uniform> step: Step;

// The same buffers, seen as single numbers by the other entry point.
@group(0) @binding(0) var<storage, read> gradient_scalar: array<f32>;
@group(0) @binding(2) var<storage, read_write> p_scalar: array<f32>;
@group(0) @binding(3) var<storage, read_write> m_scalar: array<f32>;
@group(0) @binding(4) var<storage, read_write> v_scalar: array<f32>;

fn range(group: vec3u, groups: vec3u, lane: u32) -> vec2u {
  let first = (group.y * groups.x + group.x) * 512 + lane;
  return vec2u(first, min(first + 512, step.count));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = range(group, groups, lane);
  let factor = scale[0];
  for (var i = part.x; i < part.y; i += 64) {
    let g = factor * gradient[i];
    let first = step.beta1 * m[i] + (1 - step.beta1) * g;
    let second = step.beta2 * v[i] + (1 - step.beta2) * g * g;
    m[i] = first;
    v[i] = second;
    p[i] = step.keep * p[i] - step.rate * first / (sqrt(second) + step.epsilon);
  }
}

@compute @workgroup_size(64)
fn main_scalar(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = range(group, groups, lane);
  let factor = scale[0];
  for (var i = part.x; i < part.y; i += 64) {
    let g = factor * gradient_scalar[i];
    let first = step.beta1 * m_scalar[i] + (1 - step.beta1) * g;
    let second = step.beta2 * v_scalar[i] + (1 - step.beta2) * g * g;
    m_scalar[i] = first;
    v_scalar[i] = second;
    p_scalar[i] = step.keep * p_scalar[i] - step.rate * first / (sqrt(second) + step.epsilon);
  }
}
