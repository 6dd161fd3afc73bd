import { describe, expect, it } from 'vitest';
import { gaussian } from './backendAgreement';
import { hostMatrix, hostProduct, leftOperand, pack, padded, rightOperand, type Triangle } from './hostProduct';

/** Triangles of square operands, and where their left operand is not 0. */
const TRIANGLES: [Triangle, (row: number, column: number) => boolean][] = [
  ['lower result', () => true],
  ['lower left', (row, column) => column <= row],
  ['upper left', (row, column) => column >= row],
];

describe.each(TRIANGLES)('a small product on the host, %s', (triangle, inside) => {
  it.each([1, 2, 3, 4, 5, 8, 13])('is the sum of products, for size %i', (size) => {
    const [a, b] = [1, 2].map((seed) => Float32Array.from(gaussian([size, size], seed).values)) as [
      Float32Array,
      Float32Array,
    ];
    for (let i = 0; i < a.length; i++) if (!inside(Math.floor(i / size), i % size)) a[i] = 0;
    const [left, right, y] = [leftOperand(size, size), rightOperand(size, size), hostMatrix(size, size)];
    pack(left, a, 0, size, 1, size, size);
    pack(right, b, 0, 1, size, size, size);
    hostProduct(y, left, right, padded(size), padded(size), padded(size), triangle);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < (triangle === 'lower result' ? i + 1 : size); j++) {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += a[i * size + k]! * b[k * size + j]!;
        expect(y.values[i * y.rowStride + j]).toBeCloseTo(sum, 12);
      }
    }
  });
});
