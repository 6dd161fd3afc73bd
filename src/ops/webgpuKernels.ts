/** Registers the WGSL half of every operation. Imported once, by whoever starts a device. */
import './adamw.webgpu';
import './copyInto.webgpu';
import './cachedAttention.webgpu';
import './causalAttention.webgpu';
import './crossEntropy.webgpu';
import './embedding.webgpu';
import './layerNorm.webgpu';
import './linear.webgpu';
import './matrixProduct.webgpu';
import './mlp.webgpu';
import './policyLoss.webgpu';
import './sample.webgpu';
import './tokenLogProb.webgpu';
import './valueLoss.webgpu';
