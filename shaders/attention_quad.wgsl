enable subgroups;

// How the four lanes of a quad come to a head that all of them need: each loads a quarter and gives it to the others. The
// first part of an attention kernel on devices with quad operations, where loads are what attention costs.

const QUADS = true;

// Gives the four numbers of each lane of a quad to all four, as columns.
fn share(v: vec4f) -> mat4x4f {
  return mat4x4f(quadBroadcast(v, 0), quadBroadcast(v, 1), quadBroadcast(v, 2), quadBroadcast(v, 3));
}

