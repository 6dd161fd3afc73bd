/** Kernels over rows of numbers that take them by fours where they can. */
import scalarSource from '../../shaders/numbers_scalar.wgsl?raw';
import vec4Source from '../../shaders/numbers_vec4.wgsl?raw';
import type { Kernel } from '../gpu/kernel';

export interface NumbersKernel {
  kernel: Kernel;
  /** Numbers that its shader calls `Numbers`: 4 or 1. */
  count: number;
}

/**
 * @param name of the kernel and its shader
 * @param source of a shader that needs one of `shaders/numbers_*.wgsl` before it
 * @returns gives the kernel for rows of a length
 */
export function numbersKernel(name: string, source: string): (length: number) => NumbersKernel {
  const byFours: NumbersKernel = { kernel: { name: `${name}_vec4`, source: vec4Source + source }, count: 4 };
  const oneByOne: NumbersKernel = { kernel: { name, source: scalarSource + source }, count: 1 };
  return (length) => (length % 4 === 0 ? byFours : oneByOne);
}
