// The first part of an attention kernel on any device: every lane loads for itself all that it needs.

const QUADS = false;

fn share(v: vec4f) -> mat4x4f {
  return mat4x4f();
}

