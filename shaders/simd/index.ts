/** The kernels that the page calls, each a function of addresses and sizes. src/gpu/simd.ts has their types. */
export { adamwUpdate, sumOfSquares } from './adamw';
export { attention, attentionBackward, attentionBackwardScratch, attentionScratch } from './attention';
export { gelu, timesGeluSlope } from './gelu';
export { layerNorm, layerNormBackward } from './layerNorm';
export { crossEntropy, crossEntropyBackward, tokenLogProb, tokenLogProbBackward } from './logProb';
export { product, productScratch } from './product';
export { sumOfRows } from './sumOfRows';
