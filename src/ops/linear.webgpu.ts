/** WGSL linear layer and the gradients of its parameters. */
import { LINEAR, LINEAR_PARAMETER_GRADIENTS } from './linear';
import { runProduct } from './matrixProductKernels';
import { input, registerWebGpu } from './webgpuOperation';

registerWebGpu(LINEAR, (inputs) =>
  runProduct(
    { a: input(LINEAR, inputs, 'x'), b: input(LINEAR, inputs, 'weight') },
    { kind: 'linear', bias: input(LINEAR, inputs, 'bias'), residual: inputs['residual'] },
  ),
);

registerWebGpu(LINEAR_PARAMETER_GRADIENTS, (inputs) =>
  runProduct(
    {
      a: input(LINEAR_PARAMETER_GRADIENTS, inputs, 'x'),
      b: input(LINEAR_PARAMETER_GRADIENTS, inputs, 'dy'),
      transposeA: true,
    },
    {
      kind: 'parameters',
      weight: input(LINEAR_PARAMETER_GRADIENTS, inputs, 'weight'),
      bias: input(LINEAR_PARAMETER_GRADIENTS, inputs, 'bias'),
    },
  ),
);
