/** WGSL matrix products of two operands. */
import { MATRIX_PRODUCT, type MatrixProductAttributes } from './matrixProduct';
import { runProduct } from './matrixProductKernels';
import { input, registerWebGpu } from './webgpuOperation';

registerWebGpu<MatrixProductAttributes>(MATRIX_PRODUCT, (inputs, { transposeA, transposeB }) => {
  const [a, b] = [input(MATRIX_PRODUCT, inputs, 'a'), input(MATRIX_PRODUCT, inputs, 'b')];
  return runProduct({ a, b, transposeA, transposeB }, { kind: 'store', home: inputs['gradientOf'] });
});
