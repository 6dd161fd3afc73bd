/** Registers the WGSL half of every operation. Imported once, by whoever starts a device. */
import './adamw.webgpu';
import './cachedAttention.webgpu';
import './causalAttention.webgpu';
import './crossEntropy.webgpu';
import './embedding.webgpu';
import './gelu.webgpu';
import './layerNorm.webgpu';
import './matrixProduct.webgpu';
import './sample.webgpu';
import './tokenLogProb.webgpu';
