/** What tools/simdKernels.mjs makes of `shaders/simd/`: the bytes of a WebAssembly module. */
declare module '*?simd' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

/** The same for memory that threads share. */
declare module '*?simd&shared' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
