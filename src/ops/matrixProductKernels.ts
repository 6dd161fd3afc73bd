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
import intoEndSource from '../../shaders/matrix_product_end_into.wgsl?raw';
import linearEndSource from '../../shaders/matrix_product_end_linear.wgsl?raw';
import parametersEndSource from '../../shaders/matrix_product_end_parameters.wgsl?raw';
import plainSource from '../../shaders/matrix_product.wgsl?raw';
import quadSource from '../../shaders/matrix_product_quad.wgsl?raw';
import quadTransposedSource from '../../shaders/matrix_product_quad_left_transposed.wgsl?raw';
import { type Kernel, type KernelCall, type OutputSpec, runKernel, webGpuBackend, workgroupsFor } from '../gpu/kernel';
import { declareVariants, type KernelVariant, type Measurable, powerOfTwo } from './kernelVariants';

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

interface TileVariant extends KernelVariant {
  /** Rows that an invocation takes. */
  rows: number;
  /** Most invocations of a workgroup that lie below each other. */
  maxRowGroups: number;
}

const QUAD: TileVariant = { name: 'quad', quads: true, rows: 16, maxRowGroups: 4 };
const QUAD_SHORT: TileVariant = { name: 'quad short', quads: true, rows: 8, maxRowGroups: 8 };
const PLAIN: TileVariant = { name: 'plain', quads: false, rows: 8, maxRowGroups: 8 };
const PLAIN_SHORT: TileVariant = { name: 'plain short', quads: false, rows: 4, maxRowGroups: 8 };

const TILES = [QUAD, QUAD_SHORT, PLAIN, PLAIN_SHORT] as const;
const TALL_FIRST = [QUAD, QUAD_SHORT, PLAIN, PLAIN_SHORT] as const;
const SHORT_FIRST = [QUAD_SHORT, QUAD, PLAIN_SHORT, PLAIN] as const;

/** Columns of y that a workgroup of a tile covers. */
const TILE_COLUMNS = 64;
/** Columns from which the tiles are worth it: below, most of their lanes would have none. */
const MIN_TILE_COLUMNS = 16;
/** A workgroup is made smaller until there are so many, so that small products too keep a GPU busy. */
const ENOUGH_WORKGROUPS = 8;

const END_SOURCES: Record<ProductEnd['kind'], string> = {
  store: endSource,
  into: intoEndSource,
  linear: linearEndSource,
  gelu: geluSource + geluEndSource,
  geluBackward: geluSource + geluBackwardEndSource,
  parameters: parametersEndSource,
};

type Mode = 'NN' | 'NT' | 'TN';

/** A product that is only stored; what an end adds costs every tile the same. */
const measurable = (mode: Mode): Measurable => ({
  source: [plainSource, quadSource, quadTransposedSource, ...Object.values(END_SOURCES)].join(''),
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
  NN: declareVariants('matrix product NN', TILES, measurable('NN')),
  NT: declareVariants('matrix product NT', TILES, measurable('NT')),
  TN: declareVariants('matrix product TN', TILES, measurable('TN')),
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
  const call = { inputs: [a, b, ...inputs], inPlace, outputs, params: [{ u32: m }, { u32: n }, { u32: k }] };

  // Tiles read vec4s along the rows of both operands, and write such.
  const fitsVec4 = n % 4 === 0 && (transposeA ? m : k) % 4 === 0;
  if (!fitsVec4 || n < MIN_TILE_COLUMNS || (transposeA && transposeB)) {
    return runKernel(kernelOf('matrix_product_any', anySource, end), {
      ...call,
      constants: { ...constants, TRANSPOSE_A: Number(transposeA), TRANSPOSE_B: Number(transposeB) },
      workgroups: workgroupsFor(Math.ceil(m / 4) * n, 64),
    });
  }
  const mode: Mode = transposeA ? 'TN' : transposeB ? 'NT' : 'NN';
  const { device } = webGpuBackend('matrixProduct');
  const tile = choose[mode](device, `${powerOfTwo(m)} x ${n} x ${powerOfTwo(k)}`, m > 8 ? TALL_FIRST : SHORT_FIRST);
  const rowTiles = Math.ceil(m / tile.rows);
  const columnTiles = Math.ceil(n / TILE_COLUMNS);
  let rowGroups = Math.min(powerOfTwo(rowTiles), tile.maxRowGroups);
  while (rowGroups > 1 && columnTiles * Math.ceil(rowTiles / rowGroups) < ENOUGH_WORKGROUPS) rowGroups /= 2;
  return runKernel(tileKernel(tile, transposeA, end), {
    ...call,
    constants: {
      ...constants,
      TALL: Number(tile === QUAD || tile === PLAIN),
      ROW_GROUPS: rowGroups,
      ...(tile.quads && transposeA ? {} : { TRANSPOSE_B: Number(transposeB) }),
      ...(tile.quads ? {} : { TRANSPOSE_A: Number(transposeA) }),
    },
    workgroups: [columnTiles, Math.ceil(rowTiles / rowGroups)],
  });
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

function tileKernel({ quads }: TileVariant, transposeA: boolean, end: ProductEnd): Kernel {
  if (!quads) return kernelOf('matrix_product', plainSource, end);
  if (!transposeA) return kernelOf('matrix_product_quad', quadSource, end);
  return kernelOf('matrix_product_quad_left_transposed', quadTransposedSource, end);
}

const kernels = new Map<string, Kernel>();

function kernelOf(tile: string, source: string, { kind }: ProductEnd): Kernel {
  const name = `${tile} ${kind}`;
  let kernel = kernels.get(name);
  if (!kernel) {
    kernel = { name, source: source + END_SOURCES[kind] };
    kernels.set(name, kernel);
  }
  return kernel;
}
