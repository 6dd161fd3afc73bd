/**
 * Products of small matrices on the host: those of an attention head, of which XNNPACK gains nothing, since a call costs
 * more than the product.
 *
 * Eight sums at a time, two rows by four columns, so that six loads serve eight multiplications. Matrices are float64,
 * which saves a conversion at every load; their rows come in twos and their columns in fours, padded with zeros.
 */

/** A matrix in a flat array: element (i, j) is at i * rowStride + j * columnStride. */
export interface HostMatrix {
  values: Float64Array;
  rowStride: number;
  columnStride: number;
}

/** Where a product of triangular matrices has something: all else is neither read nor written. */
export type Triangle =
  | 'lower result' // of a pair of rows i, i + 1, the columns up to i + 1
  | 'lower left' // the left operand is 0 beyond its diagonal
  | 'upper left'; // the left operand is 0 before its diagonal

/** The transpose, on the same numbers. */
export function transposeOf({ values, rowStride, columnStride }: HostMatrix): HostMatrix {
  return { values, rowStride: columnStride, columnStride: rowStride };
}

/** The next multiple of four. */
export const padded = (size: number): number => (size + 3) & ~3;

/** A matrix of zeros, [padded(rows), padded(columns)]. */
export function hostMatrix(rows: number, columns: number): HostMatrix {
  return {
    values: new Float64Array(padded(rows) * padded(columns)),
    rowStride: padded(columns),
    columnStride: 1,
  };
}

/**
 * y = a b.
 * @param y [rows, columns], its columns side by side
 * @param a [rows, inner]
 * @param b [inner, columns]
 * @param rows even
 * @param columns a multiple of four
 */
export function hostProduct(
  y: HostMatrix,
  a: HostMatrix,
  b: HostMatrix,
  rows: number,
  inner: number,
  columns: number,
  triangle: Triangle,
): void {
  const { values: av, rowStride: aRow, columnStride: aStep } = a;
  const { values: bv, rowStride: bStep, columnStride: bColumn } = b;
  const { values: yv, rowStride: yRow } = y;
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
      let a0 = i * aRow + first * aStep;
      let a1 = a0 + aRow;
      let b0 = first * bStep + j * bColumn;
      for (let k = first; k < last; k++) {
        const top = av[a0]!;
        const bottom = av[a1]!;
        const p = bv[b0]!;
        const q = bv[b0 + bColumn]!;
        const r = bv[b0 + 2 * bColumn]!;
        const s = bv[b0 + 3 * bColumn]!;
        y00 += top * p;
        y01 += top * q;
        y02 += top * r;
        y03 += top * s;
        y10 += bottom * p;
        y11 += bottom * q;
        y12 += bottom * r;
        y13 += bottom * s;
        a0 += aStep;
        a1 += aStep;
        b0 += bStep;
      }
      const at = i * yRow + j;
      yv[at] = y00;
      yv[at + 1] = y01;
      yv[at + 2] = y02;
      yv[at + 3] = y03;
      yv[at + yRow] = y10;
      yv[at + yRow + 1] = y11;
      yv[at + yRow + 2] = y12;
      yv[at + yRow + 3] = y13;
    }
  }
}
