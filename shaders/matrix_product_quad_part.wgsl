enable subgroups;

// What the two tiles with quads share, and the first part of their modules: bindings, the size of a workgroup, and where
// two vec4s of a row go. See matrix_product_quad.wgsl.

alias Cell = vec4f;

override TALL: bool = true;
override LANES: u32 = 8;
override ROW_GROUPS: u32 = 4;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;

fn end(row: u32, west: u32, cw: vec4f, ce: vec4f) {
  let n4 = sizes.n / 4;
  if (row < sizes.m) {
    if (west < n4) {
      finish(row * n4 + west, cw);
    }
    if (west + LANES < n4) {
      finish(row * n4 + west + LANES, ce);
    }
  }
}
