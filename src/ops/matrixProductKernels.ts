/**
 * WGSL matrix products, each put together from a tile, which computes op(a) op(b), and an end, which says what a sum
 * begins with and what becomes of it. Every tile goes with every end.
 */
import type * as tf from '@tensorflow/tfjs-core';
import anySource from '../../shaders/matrix_product_any.wgsl?raw';
import endSource from '../../shaders/matrix_product_end.wgsl?raw';
import geluBackwardEndSource from '../../shaders/matrix_product_end_gelu_backward.wgsl?raw';
import geluEndSource from '../../shaders/matrix_product_end_gelu.wgsl?raw';
import geluSource from '../../shaders/gelu.wgsl?raw';
import linearEndSource from '../../shaders/matrix_product_end_linear.wgsl?raw';
import parametersEndSource from '../../shaders/matrix_product_end_parameters.wgsl?raw';
import joinSource from '../../shaders/matrix_product_join.wgsl?raw';
import plainSource from '../../shaders/matrix_product.wgsl?raw';
import quadPartSource from '../../shaders/matrix_product_quad_part.wgsl?raw';
import quadSource from '../../shaders/matrix_product_quad.wgsl?raw';
import quadTransposedSource from '../../shaders/matrix_product_quad_left_transposed.wgsl?raw';
import stagedF16Source from '../../shaders/matrix_product_staged_f16.wgsl?raw';
import stagedF32Source from '../../shaders/matrix_product_staged_f32.wgsl?raw';
import workgroupSource from '../../shaders/matrix_product_workgroup.wgsl?raw';
import {
  disposeScratch,
  type Kernel,
  type KernelCall,
  type OutputSpec,
  runKernel,
  webGpuBackend,
  workgroupsFor,
} from '../gpu/kernel';
import { declareVariants, type Measurable, powerOfTwo } from './kernelVariants';
import {
  partsOf,
  PRODUCT_TILES,
  productOrder,
  productShape,
  type RegisterTile,
  type WorkgroupTile,
} from './matrixProductTiles';

/** What is done with op(a) op(b), [M, N]; the tensors that a kind takes are named after what the shader calls them. */
export type ProductEnd =
  /** Outputs y. */
  | { kind: 'store'; home?: tf.TensorInfo | undefined }
  /** Writes y [M, N] where it lies, or adds to it. No outputs. */
  | { kind: 'into'; y: tf.TensorInfo; add: boolean }
  /** Adds bias [N] and residual [M, N]. Outputs y. */
  | { kind: 'linear'; bias: tf.TensorInfo; residual?: tf.TensorInfo | undefined }
  /** Outputs y = gelu(pre) and pre = op(a) op(b) + bias. */
  | { kind: 'gelu'; bias: tf.TensorInfo }
  /** Outputs y = (op(a) op(b)) gelu'(pre). */
  | { kind: 'geluBackward'; pre: tf.TensorInfo }
  /** With a' and b = dy: outputs the gradients of weight and bias of a linear layer. */
  | { kind: 'parameters'; weight: tf.TensorInfo; bias: tf.TensorInfo };

export interface Product {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
  transposeA?: boolean;
  transposeB?: boolean;
}

/** Columns of y that a workgroup of a register tile covers. */
const TILE_COLUMNS = 64;
/** Columns from which the tiles are worth it: below, most of their lanes would have none. */
const MIN_TILE_COLUMNS = 16;
/** A workgroup is made smaller until there are so many, so that small products too keep a GPU busy. */
const ENOUGH_WORKGROUPS = 8;

const END_SOURCES: Record<ProductEnd['kind'], string> = {
  store: endSource,
  into: endSource,
  linear: linearEndSource,
  gelu: geluSource + geluEndSource,
  geluBackward: geluSource + geluBackwardEndSource,
  parameters: parametersEndSource,
};

/** By the names of their kernels. */
const TILE_SOURCES = {
  matrix_product: plainSource,
  matrix_product_any: anySource,
  matrix_product_join: joinSource,
  matrix_product_quad: quadPartSource + quadSource,
  matrix_product_quad_left_transposed: quadPartSource + quadTransposedSource,
  matrix_product_workgroup: stagedF32Source + workgroupSource,
  matrix_product_workgroup_f16: stagedF16Source + workgroupSource,
} as const;

type Mode = 'NN' | 'NT' | 'TN';

/** A product that is only stored; what an end adds costs every tile the same. */
const measurable = (mode: Mode): Measurable => ({
  source: [...Object.values(TILE_SOURCES), ...Object.values(END_SOURCES)].join(''),
  trialOf: (shape) => {
    const [m, n, k] = shape.split(' x ').map(Number) as [number, number, number];
    const [transposeA, transposeB] = [mode === 'TN', mode === 'NT'];
    return {
      operands: {
        a: { shape: transposeA ? [k, m] : [m, k], dtype: 'float32' },
        b: { shape: transposeB ? [n, k] : [k, n], dtype: 'float32' },
      },
      flops: 2 * m * n * k,
      run: (_device, { a, b }) =>
        runProduct({ a: a as tf.TensorInfo, b: b as tf.TensorInfo, transposeA, transposeB }, { kind: 'store' }),
    };
  },
});

/** N neither operand transposed, T the other; what is transposed changes what a tile costs. */
const choose = {
  NN: declareVariants('matrix product NN', PRODUCT_TILES, measurable('NN')),
  NT: declareVariants('matrix product NT', PRODUCT_TILES, measurable('NT')),
  TN: declareVariants('matrix product TN', PRODUCT_TILES, measurable('TN')),
};

/**
 * Records one product.
 * @returns the outputs of the end, in its order
 */
export function runProduct(
  { a, b, transposeA = false, transposeB = false }: Product,
  end: ProductEnd,
): tf.TensorInfo[] {
  const [aRows, aColumns] = a.shape as [number, number];
  const [bRows, bColumns] = b.shape as [number, number];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const n = transposeB ? bRows : bColumns;
  const { inputs, inPlace = [], outputs, constants } = bind(end, a, m, n);
  const params = [{ u32: m }, { u32: n }, { u32: k }];
  const call = { inputs: [a, b, ...inputs], inPlace, outputs, params, constants };

  // Tiles read vec4s along the rows of both operands, and write such.
  const fitsVec4 = n % 4 === 0 && (transposeA ? m : k) % 4 === 0;
  if (!fitsVec4 || n < MIN_TILE_COLUMNS || (transposeA && transposeB)) {
    return runKernel(kernelOf('matrix_product_any', end), {
      ...call,
      constants: { ...constants, TRANSPOSE_A: Number(transposeA), TRANSPOSE_B: Number(transposeB) },
      workgroups: workgroupsFor(Math.ceil(m / 4) * n, 64),
    });
  }
  const { device } = webGpuBackend('matrixProduct');
  const tile = choose[transposeA ? 'TN' : transposeB ? 'NT' : 'NN'](
    device,
    productShape(m, n, k),
    productOrder(m, n, k),
  );
  const sized = { m, n, k, transposeA, transposeB, call };
  return tile.kind === 'register' ? runRegisterTile(tile, end, sized) : runWorkgroupTile(tile, end, sized);
}

interface SizedProduct {
  m: number;
  n: number;
  k: number;
  transposeA: boolean;
  transposeB: boolean;
  /** All but its workgroups, and the constants of the tile. */
  call: Omit<KernelCall, 'workgroups'>;
}

function runRegisterTile(
  { quads, rows, maxRowGroups }: RegisterTile,
  end: ProductEnd,
  { m, n, transposeA, transposeB, call }: SizedProduct,
): tf.TensorInfo[] {
  const rowTiles = Math.ceil(m / rows);
  const columnTiles = Math.ceil(n / TILE_COLUMNS);
  let rowGroups = Math.min(powerOfTwo(rowTiles), maxRowGroups);
  while (rowGroups > 1 && columnTiles * Math.ceil(rowTiles / rowGroups) < ENOUGH_WORKGROUPS) rowGroups /= 2;
  const quadKernel = transposeA ? 'matrix_product_quad_left_transposed' : 'matrix_product_quad';
  return runKernel(kernelOf(quads ? quadKernel : 'matrix_product', end), {
    ...call,
    constants: {
      ...call.constants,
      TALL: Number(rows === (quads ? 16 : 8)),
      ROW_GROUPS: rowGroups,
      ...(quads && transposeA ? {} : { TRANSPOSE_B: Number(transposeB) }),
      ...(quads ? {} : { TRANSPOSE_A: Number(transposeA) }),
    },
    workgroups: [columnTiles, Math.ceil(rowTiles / rowGroups)],
  });
}

function runWorkgroupTile(tile: WorkgroupTile, end: ProductEnd, sized: SizedProduct): tf.TensorInfo[] {
  const { m, n, k, transposeA, transposeB, call } = sized;
  const kernel = tile.half ? 'matrix_product_workgroup_f16' : 'matrix_product_workgroup';
  const parts = partsOf(tile, m, n, k);
  const constants = {
    LARGE: Number(tile.side === 64),
    PARTS: parts,
    TRANSPOSE_A: Number(transposeA),
    TRANSPOSE_B: Number(transposeB),
  };
  const workgroups = [Math.ceil(n / tile.side), Math.ceil(m / tile.side), parts] as const;
  if (parts === 1) {
    return runKernel(kernelOf(kernel, end), { ...call, constants: { ...call.constants, ...constants }, workgroups });
  }
  // The parts are stored as they are; their sum is what the end is for.
  const sums = end.kind === 'parameters';
  const scratch = runKernel(kernelOf(kernel, { kind: sums ? 'parameters' : 'store' }), {
    inputs: (call.inputs as tf.TensorInfo[]).slice(0, 2),
    outputs: [[parts, m, n], ...(sums ? [[parts, n]] : [])].map((shape) => ({ shape, dtype: 'float32' })),
    params: call.params as NonNullable<KernelCall['params']>,
    constants,
    workgroups,
  });
  const outputs = runKernel(kernelOf('matrix_product_join', end), {
    ...call,
    inputs: [scratch[0], scratch[1] ?? scratch[0], ...(call.inputs as tf.TensorInfo[]).slice(2)] as tf.TensorInfo[],
    constants: { ...call.constants, PARTS: parts },
    workgroups: workgroupsFor(m * (n / 4), 64),
  });
  disposeScratch(scratch);
  return outputs;
}

function bind(
  end: ProductEnd,
  standIn: tf.TensorInfo,
  m: number,
  n: number,
): {
  inputs: tf.TensorInfo[];
  inPlace?: tf.TensorInfo[];
  outputs: OutputSpec[];
  constants: NonNullable<KernelCall['constants']>;
} {
  const y: OutputSpec = { shape: [m, n], dtype: 'float32' };
  switch (end.kind) {
    case 'store':
      return { inputs: [], outputs: [{ ...y, ...(end.home && { home: end.home }) }], constants: {} };
    case 'into':
      return { inputs: [], inPlace: [end.y], outputs: [], constants: { ADD: Number(end.add) } };
    case 'linear':
      // A binding cannot be left empty; the left operand stands in for a residual that is not read.
      return {
        inputs: [end.bias, end.residual ?? standIn],
        outputs: [y],
        constants: { RESIDUAL: Number(end.residual !== undefined) },
      };
    case 'gelu':
      return { inputs: [end.bias], outputs: [y, y], constants: {} };
    case 'geluBackward':
      return { inputs: [end.pre], outputs: [y], constants: {} };
    case 'parameters':
      return {
        inputs: [],
        outputs: [
          { ...y, home: end.weight },
          { shape: [n], dtype: 'float32', home: end.bias },
        ],
        constants: {},
      };
  }
}

const kernels = new Map<string, Kernel>();

function kernelOf(tile: keyof typeof TILE_SOURCES, { kind }: Pick<ProductEnd, 'kind'>): Kernel {
  const name = `${tile} ${kind}`;
  let kernel = kernels.get(name);
  if (!kernel) {
    kernel = { name, source: TILE_SOURCES[tile] + END_SOURCES[kind] };
    kernels.set(name, kernel);
  }
  return kernel;
}
