/**
 * Products of small matrices on the host: those of an attention head, on which XNNPACK gains nothing, since a call costs
 * more than the product.
 *
 * Eight sums at a time, two rows by four columns, so that six loads serve eight multiplications. The operands are packed
 * so that these six lie side by side, and are float64, which saves a conversion at every load.
 */

/** Of a left operand the rows in twos, of a right one the columns in fours: what the innermost loop takes in a step. */
export interface PackedOperand {
  values: Float64Array;
  lanes: 2 | 4;
  /** Most steps there is room for, which is how far groups of lanes are apart. */
  capacity: number;
}

/** A result, row by row. */
export interface HostMatrix {
  values: Float64Array;
  rowStride: number;
}

/** Which part of a product with triangular matrices is computed; the rest of the result is not written. */
export type Triangle =
  | 'lower result' // in a pair of rows i, i + 1, the columns up to i + 1
  | 'lower left' // the left operand is 0 beyond its diagonal, and only there need it be 0 where a pair looks
  | 'upper left'; // the same before its diagonal

/** The next multiple of four. */
export const padded = (size: number): number => (size + 3) & ~3;

/** For a left operand of as many rows, and an inner size of at most `steps`. */
export function leftOperand(rows: number, steps: number): PackedOperand {
  return { values: new Float64Array(padded(rows) * padded(steps)), lanes: 2, capacity: padded(steps) };
}

/** For a right operand of as many columns, and an inner size of at most `steps`. */
export function rightOperand(columns: number, steps: number): PackedOperand {
  return { values: new Float64Array(padded(columns) * padded(steps)), lanes: 4, capacity: padded(steps) };
}

export function hostMatrix(rows: number, columns: number): HostMatrix {
  return { values: new Float64Array(padded(rows) * padded(columns)), rowStride: padded(columns) };
}

/**
 * Packs numbers of x: lane l (a row of a left operand, a column of a right one) and step k are at
 * at + l * laneStride + k * stepStride. Steps up to the next multiple of four become 0.
 */
export function pack(
  { values, lanes, capacity }: PackedOperand,
  x: Float32Array,
  at: number,
  laneStride: number,
  stepStride: number,
  laneCount: number,
  steps: number,
): void {
  for (let lane = 0; lane < laneCount; lane++) {
    let to = (lane - (lane % lanes)) * capacity + (lane % lanes);
    let from = at + lane * laneStride;
    for (let k = 0; k < steps; k++) {
      values[to] = x[from]!;
      to += lanes;
      from += stepStride;
    }
    for (let k = steps; k < padded(steps); k++) {
      values[to] = 0;
      to += lanes;
    }
  }
}

/**
 * y = a b.
 * @param y [rows, columns]
 * @param a [rows, inner]
 * @param b [inner, columns]
 * @param rows even
 * @param columns a multiple of four
 */
export function hostProduct(
  y: HostMatrix,
  a: PackedOperand,
  b: PackedOperand,
  rows: number,
  inner: number,
  columns: number,
  triangle: Triangle,
): void {
  const { values: left, capacity: leftCapacity } = a;
  const { values: right, capacity: rightCapacity } = b;
  const { values: result, rowStride } = y;
  for (let i = 0; i < rows; i += 2) {
    const first = triangle === 'upper left' ? i : 0;
    const last = triangle === 'lower left' ? Math.min(i + 2, inner) : inner;
    const end = triangle === 'lower result' ? Math.min(i + 2, columns) : columns;
    for (let j = 0; j < end; j += 4) {
      let y00 = 0;
      let y01 = 0;
      let y02 = 0;
      let y03 = 0;
      let y10 = 0;
      let y11 = 0;
      let y12 = 0;
      let y13 = 0;
      let atRight = j * rightCapacity + 4 * first;
      for (let at = i * leftCapacity + 2 * first; at < i * leftCapacity + 2 * last; at += 2) {
        const top = left[at]!;
        const bottom = left[at + 1]!;
        const p = right[atRight]!;
        const q = right[atRight + 1]!;
        const r = right[atRight + 2]!;
        const s = right[atRight + 3]!;
        y00 += top * p;
        y01 += top * q;
        y02 += top * r;
        y03 += top * s;
        y10 += bottom * p;
        y11 += bottom * q;
        y12 += bottom * r;
        y13 += bottom * s;
        atRight += 4;
      }
      const to = i * rowStride + j;
      result[to] = y00;
      result[to + 1] = y01;
      result[to + 2] = y02;
      result[to + 3] = y03;
      result[to + rowStride] = y10;
      result[to + rowStride + 1] = y11;
      result[to + rowStride + 2] = y12;
      result[to + rowStride + 3] = y13;
    }
  }
}
