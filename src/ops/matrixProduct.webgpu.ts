/** WGSL matrix products: a register tile for sizes in multiples of 4, and a plain kernel for all others. */
import anySource from '../../shaders/matrix_product_any.wgsl?raw';
import columnSumSource from '../../shaders/column_sum.wgsl?raw';
import source from '../../shaders/matrix_product.wgsl?raw';
import { type Kernel, runKernel, workgroupsFor } from '../gpu/kernel';
import { COLUMN_SUM, MATRIX_PRODUCT, type MatrixProductAttributes } from './matrixProduct';
import { input, registerWebGpu } from './webgpuOperation';

const TILED: Kernel = { name: 'matrix_product', source };
const ANY: Kernel = { name: 'matrix_product_any', source: anySource };
const COLUMNS: Kernel = { name: 'column_sum', source: columnSumSource };

const MAX_ROW_GROUPS = 8;

registerWebGpu<MatrixProductAttributes>(MATRIX_PRODUCT, (inputs, { transposeA, transposeB, biased }) => {
  const a = input(MATRIX_PRODUCT, inputs, 'a');
  const b = input(MATRIX_PRODUCT, inputs, 'b');
  // A binding cannot be left empty; `a` stands in for a bias that is not read.
  const bias = biased ? input(MATRIX_PRODUCT, inputs, 'bias') : a;
  const [aRows, aColumns] = a.shape as [number, number];
  const [bRows, bColumns] = b.shape as [number, number];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const n = transposeB ? bRows : bColumns;
  const call = { inputs: [a, b, bias], outputs: [{ shape: [m, n], dtype: 'float32' as const }] };

  const fitsVec4 = n % 4 === 0 && (transposeA ? m : k) % 4 === 0 && !(transposeA && transposeB);
  if (!fitsVec4) {
    const [aRow, aInner] = transposeA ? [1, m] : [k, 1];
    const [bInner, bColumn] = transposeB ? [1, k] : [n, 1];
    return runKernel(ANY, {
      ...call,
      constants: { BIASED: Number(biased) },
      params: [m, n, k, aRow, aInner, bInner, bColumn].map((u32) => ({ u32 })),
      workgroups: workgroupsFor(Math.ceil(m / 4) * n, 64),
    });
  }
  const tall = m > 4;
  const rowTiles = Math.ceil(m / (tall ? 8 : 4));
  // A power of two, so that few pipelines serve all sizes.
  const rowGroups = Math.min(2 ** Math.ceil(Math.log2(rowTiles)), MAX_ROW_GROUPS);
  return runKernel(TILED, {
    ...call,
    constants: {
      TRANSPOSE_A: Number(transposeA),
      TRANSPOSE_B: Number(transposeB),
      BIASED: Number(biased),
      TALL: Number(tall),
      ROW_GROUPS: rowGroups,
    },
    params: [m, n, k].map((u32) => ({ u32 })),
    workgroups: [Math.ceil(n / 64), Math.ceil(rowTiles / rowGroups)],
  });
});

registerWebGpu(COLUMN_SUM, (inputs) => {
  const x = input(COLUMN_SUM, inputs, 'x');
  const [m, n] = x.shape as [number, number];
  return runKernel(COLUMNS, {
    inputs: [x],
    outputs: [{ shape: [n], dtype: 'float32' }],
    params: [{ u32: m }, { u32: n }],
    workgroups: [Math.ceil(n / 32)],
  });
});
