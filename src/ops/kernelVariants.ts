/**
 * Kernels that can be computed in several ways, and which way is taken: one that was forced, else the one that was
 * chosen for the shape by timing, else the first that the device can run of those that the kernel itself puts forward.
 *
 * All variants of a kernel give the same numbers up to rounding.
 */
import { quadsWork } from '../gpu/quad';

export interface KernelVariant {
  /** Unique in its kernel. */
  readonly name: string;
  /** Whether it shares numbers within quads, so that it runs only where `quadsWork`. */
  readonly quads: boolean;
}

interface Entry {
  variants: readonly KernelVariant[];
  /** Variant by shape. */
  chosen: Map<string, string>;
  /** Shapes that the kernel was asked for. */
  shapes: Set<string>;
}

const entries = new Map<string, Entry>();

export type VariantPreference = 'auto' | 'quad' | 'plain';

let preference: VariantPreference = 'auto';
const forced = new Map<string, string>();

/**
 * Declares the variants of a kernel.
 * @returns picks one of them for a device and a shape; `order` holds those that can serve the shape, best first by rule
 */
export function declareVariants<V extends KernelVariant>(
  kernel: string,
  variants: readonly V[],
): (device: GPUDevice, shape: string, order: readonly [V, ...V[]]) => V {
  const entry: Entry = { variants, chosen: new Map(), shapes: new Set() };
  entries.set(kernel, entry);
  return (device, shape, order) => {
    entry.shapes.add(shape);
    const runnable = order.filter((variant) => runs(variant, device));
    const named = forced.get(kernel) ?? (preference === 'auto' ? entry.chosen.get(shape) : undefined);
    return (
      runnable.find(({ name }) => name === named) ??
      runnable.find(({ quads }) => preference === 'auto' || quads === (preference === 'quad')) ??
      runnable[0] ??
      order[0]
    );
  };
}

/** Kernels with variants. */
export function kernelsWithVariants(): string[] {
  return [...entries.keys()];
}

/** The variants of a kernel that the device can run. */
export function variantsOf(kernel: string, device: GPUDevice): string[] {
  return entryOf(kernel)
    .variants.filter((variant) => runs(variant, device))
    .map(({ name }) => name);
}

/** The shapes that a kernel was asked for so far, as the kernel writes them; see `chooseVariant`. */
export function shapesOf(kernel: string): string[] {
  return [...entryOf(kernel).shapes];
}

/** Takes a variant of one kernel for one of its shapes from now on, or goes back to the kernel's own rule with null. */
export function chooseVariant(kernel: string, shape: string, variant: string | null): void {
  const { chosen } = entryOf(kernel);
  if (variant === null) chosen.delete(shape);
  else chosen.set(shape, variant);
}

/** Takes a variant of one kernel for every shape that it can serve, whatever was chosen; null ends it. */
export function forceVariant(kernel: string, variant: string | null): void {
  entryOf(kernel);
  if (variant === null) forced.delete(kernel);
  else forced.set(kernel, variant);
}

/** Takes variants with quads, or without, in every kernel that has such; `auto` goes back to what was chosen. */
export function preferVariant(to: VariantPreference): void {
  preference = to;
}

const runs = (variant: KernelVariant, device: GPUDevice): boolean => !variant.quads || quadsWork(device);

function entryOf(kernel: string): Entry {
  const entry = entries.get(kernel);
  if (!entry) throw new Error(`No kernel ${kernel} has variants; there are ${[...entries.keys()].join(', ')}`);
  return entry;
}
