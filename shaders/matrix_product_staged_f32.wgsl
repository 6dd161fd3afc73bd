// Staging for matrix_product_workgroup.wgsl in float32: the first part of its module.

alias Staged = vec4f;

const SCALED = false;
