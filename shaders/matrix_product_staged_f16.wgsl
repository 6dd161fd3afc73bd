enable f16;

// Staging for matrix_product_workgroup.wgsl in float16, which halves its workgroup memory and what is read from it: the
// first part of its module. Only on a device with the feature `shader-f16`.

alias Staged = vec4h;

// Gradients are too small for float16, so what is staged is scaled.
const SCALED = true;
