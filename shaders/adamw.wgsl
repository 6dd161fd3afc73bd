// One step of AdamW on all parameters at once, in place. Loshchilov & Hutter 2019, algorithm 2.
//
//   g = scale gradient;   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2
//   p = keep p - rate m / (sqrt(v) + epsilon)
//
// with keep = 1 - lr weightDecay and rate = lr sqrt(1 - beta2^t) / (1 - beta1^t). The host gives epsilon as it is for the
// TensorFlow 1 form and times sqrt(1 - beta2^t) for PyTorch's, which is all that the two differ in. What changes from
// step to step is data, so that a recorded step can be replayed.
//
// Shapes: gradient, p, m, v of 4 n numbers each: every parameter of a model, one after the other, zeros between them,
// which stay zeros; scale of one number, numbers of three.
// Bindings: 0 gradient, 1 scale, 2 numbers (keep, rate, epsilon), 3 p, 4 m, 5 v (3 to 5 read and written), 6 step.
// A workgroup of 64 takes 512 vec4s; a lane takes every 64th.
// Numbers: float32. 2e-6 of the learning rate a step against the reference.

struct Step {
  count: u32, // n
  beta1: f32,
  beta2: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> numbers: array<f32>;
@group(0) @binding(3) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(6) var<uniform> step: Step;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 512 + lane;
  let last = min(first + 512, step.count);
  let factor = scale[0];
  let keep = numbers[0];
  let rate = numbers[1];
  let epsilon = numbers[2];
  for (var i = first; i < last; i += 64) {
    let g = factor * gradient[i];
    let mean = step.beta1 * m[i] + (1 - step.beta1) * g;
    let square = step.beta2 * v[i] + (1 - step.beta2) * g * g;
    m[i] = mean;
    v[i] = square;
    p[i] = keep * p[i] - rate * mean / (sqrt(square) + epsilon);
  }
}
