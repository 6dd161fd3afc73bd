/**
 * Kernels that can be computed in several ways, and which way is taken: one that was forced, else the one that was
 * chosen for the shape by timing, else the first that the device can run of those that the kernel itself puts forward.
 *
 * All variants of a kernel give the same numbers up to rounding. One that does not, on this device, is refused and then
 * taken for no shape.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { quadsWork } from '../gpu/quad';
import { isSoftware } from '../gpu/softwareAdapter';
import { retireTapes } from '../gpu/tapeGeneration';

export interface KernelVariant {
  /** Unique in its kernel. */
  readonly name: string;
  /** Whether it shares numbers within quads, so that it runs only where `quadsWork`. */
  readonly quads: boolean;
  /** Whether it keeps numbers in float16, so that it runs only on a device with `shader-f16` where `allowHalfPrecision`. */
  readonly half?: boolean;
  /**
   * Whether it waits at a barrier again and again. On a software GPU such a one takes 4 to 50 times as long as the others,
   * and seconds to compile, so there it is neither taken nor measured unless it is forced.
   */
  readonly barriers?: boolean;
  /** How far its numbers may be from the plain variant's, in relation to the largest; rounding to float32 unless given. */
  readonly tolerance?: number;
}

/** A kernel on one of its shapes, with nothing around it, so that its variants can be compared. */
export interface Trial {
  /** What it needs, by name. */
  operands: Readonly<Record<string, { shape: readonly number[]; dtype: 'float32' | 'int32' }>>;
  /** Floating-point operations of one run. */
  flops: number;
  /** Records the kernel once and returns what it computes. */
  run(device: GPUDevice, operands: Readonly<Record<string, tf.TensorInfo>>): tf.TensorInfo[];
}

/** What makes the variants of a kernel measurable. */
export interface Measurable {
  /** The text of all variants: when it changes, earlier measurements no longer count. */
  source: string;
  trialOf(shape: string): Trial;
}

interface Entry {
  variants: readonly KernelVariant[];
  measurable: Measurable | null;
  /** Variant by shape. */
  chosen: Map<string, string>;
  refused: Set<string>;
  /** By shape that the kernel was asked for: what can serve it, best first by rule, and what was taken last. */
  shapes: Map<string, { order: readonly KernelVariant[]; taken: string }>;
}

const entries = new Map<string, Entry>();

export type VariantPreference = 'auto' | 'quad' | 'plain';

let preference: VariantPreference = 'auto';
let halfAllowed = false;
const forced = new Map<string, string>();
let onTrial: { kernel: string; variant: string } | null = null;

/**
 * Declares the variants of a kernel.
 * @param measurable null where no measurement tells which is best
 * @returns picks one of them for a device and a shape; `order` holds those that can serve the shape, best first by rule
 */
export function declareVariants<V extends KernelVariant>(
  kernel: string,
  variants: readonly V[],
  measurable: Measurable | null = null,
): (device: GPUDevice, shape: string, order: readonly [V, ...V[]]) => V {
  const entry: Entry = { variants, measurable, chosen: new Map(), refused: new Set(), shapes: new Map() };
  entries.set(kernel, entry);
  return (device, shape, order) => {
    const runnable = order.filter((variant) => runs(entry, variant, device));
    const offered = runnable.filter((variant) => worthTrying(variant, device));
    const tried = onTrial?.kernel === kernel ? order.find(({ name }) => name === onTrial?.variant) : undefined;
    if (tried) return tried;
    const chosen = preference === 'auto' ? entry.chosen.get(shape) : undefined;
    const taken =
      runnable.find(({ name }) => name === forced.get(kernel)) ??
      offered.find(({ name }) => name === chosen) ??
      offered.find(({ quads }) => preference === 'auto' || quads === (preference === 'quad')) ??
      offered[0] ??
      order[0];
    entry.shapes.set(shape, { order, taken: taken.name });
    return taken;
  };
}

/** The smallest power of two that is not below `x`: shapes that differ little are chosen for together. */
export function powerOfTwo(x: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(x, 1)));
}

/** What was taken last for a shape; undefined where the kernel was not asked for it. */
export function variantTaken(kernel: string, shape: string): string | undefined {
  return entryOf(kernel).shapes.get(shape)?.taken;
}

/** Whether some kernel took a variant in float16 for some shape when it was asked for it last. */
export function halfPrecisionTaken(): boolean {
  return [...entries.values()].some(({ variants, shapes }) =>
    [...shapes.values()].some(({ taken }) => variants.some(({ name, half }) => half && name === taken)),
  );
}

/** Kernels with variants. */
export function kernelsWithVariants(): string[] {
  return [...entries.keys()];
}

/** The variants of a kernel to choose from on a device; with a shape that it was asked for, those that serve it, best first. */
export function variantsOf(kernel: string, device: GPUDevice, shape?: string): string[] {
  const entry = entryOf(kernel);
  const variants = shape === undefined ? entry.variants : (entry.shapes.get(shape)?.order ?? []);
  return variants
    .filter((variant) => runs(entry, variant, device) && worthTrying(variant, device))
    .map(({ name }) => name);
}

/** What a variant itself says of how exact it is; see `KernelVariant`. */
export function toleranceOf(kernel: string, variant: string): number | undefined {
  return entryOf(kernel).variants.find(({ name }) => name === variant)?.tolerance;
}

/** The first variant for a shape, best first by rule, that needs nothing special: what the others are compared with. */
export function plainVariantOf(kernel: string, shape: string): string | undefined {
  const { shapes, refused } = entryOf(kernel);
  return shapes
    .get(shape)
    ?.order.find(({ quads, half, barriers, name }) => !quads && !half && !barriers && !refused.has(name))?.name;
}

/** The shapes that a kernel was asked for so far, as the kernel writes them; see `chooseVariant`. */
export function shapesOf(kernel: string): string[] {
  return [...entryOf(kernel).shapes.keys()];
}

export function isMeasurable(kernel: string): boolean {
  return entryOf(kernel).measurable !== null;
}

/** A kernel on one of its shapes; null where its variants are not to be measured. */
export function trialOf(kernel: string, shape: string): Trial | null {
  return entryOf(kernel).measurable?.trialOf(shape) ?? null;
}

/** Takes a variant for as long as `body` runs, which does not wait for anything. For a trial; no tape is retired. */
export function onTrialOf<T>(kernel: string, variant: string, body: () => T): T {
  onTrial = { kernel, variant };
  try {
    return body();
  } finally {
    onTrial = null;
  }
}

/** Takes a variant of one kernel for one of its shapes from now on, or goes back to the kernel's own rule with null. */
export function chooseVariant(kernel: string, shape: string, variant: string | null): void {
  const { chosen, shapes } = entryOf(kernel);
  if (variant === null) chosen.delete(shape);
  else chosen.set(shape, variant);
  if (variant === null || shapes.get(shape)?.taken !== variant) retireTapes();
}

/** Takes a variant no more, for any shape: it computed something else than the others. */
export function refuseVariant(kernel: string, variant: string): void {
  entryOf(kernel).refused.add(variant);
  retireTapes();
}

/** Goes back to every kernel's own rule: nothing is chosen, nothing refused. */
export function forgetChoices(): void {
  for (const { chosen, refused } of entries.values()) {
    chosen.clear();
    refused.clear();
  }
  retireTapes();
}

/** Which variants are taken by choice and not by rule, and which for no shape. */
export interface VariantChoices {
  chosen: { kernel: string; shape: string; variant: string }[];
  refused: { kernel: string; variant: string }[];
}

/** What is chosen and refused now; the same choices always read the same. */
export function choicesInForce(): VariantChoices {
  const all: VariantChoices = { chosen: [], refused: [] };
  for (const [kernel, { chosen, refused }] of [...entries].sort(byName)) {
    for (const [shape, variant] of [...chosen].sort(byName)) all.chosen.push({ kernel, shape, variant });
    for (const variant of [...refused].sort()) all.refused.push({ kernel, variant });
  }
  return all;
}

/**
 * Goes by exactly these choices from now on; of what is unknown here, by the kernel's own rule. Between two jobs only:
 * other variants round otherwise.
 */
export function takeChoices({ chosen, refused }: VariantChoices): void {
  const before = JSON.stringify(choicesInForce());
  for (const entry of entries.values()) {
    entry.chosen.clear();
    entry.refused.clear();
  }
  for (const one of chosen) if (isKnown(one)) entryOf(one.kernel).chosen.set(one.shape, one.variant);
  for (const one of refused) if (isKnown(one)) entryOf(one.kernel).refused.add(one.variant);
  if (JSON.stringify(choicesInForce()) !== before) retireTapes();
}

/** Of choices made elsewhere, those that cannot be gone by here, as "kernel: variant". */
export function unknownVariants({ chosen, refused }: VariantChoices): string[] {
  const unknown = [...chosen, ...refused].filter((one) => !isKnown(one));
  return [...new Set(unknown.map(({ kernel, variant }) => `${kernel}: ${variant}`))];
}

/** Takes a variant of one kernel for every shape that it can serve, whatever was chosen; null ends it. */
export function forceVariant(kernel: string, variant: string | null): void {
  entryOf(kernel);
  if (variant === null) forced.delete(kernel);
  else forced.set(kernel, variant);
  retireTapes();
}

/** Takes variants with quads, or without, in every kernel that has such; `auto` goes back to what was chosen. */
export function preferVariant(to: VariantPreference): void {
  preference = to;
  retireTapes();
}

/**
 * Allows variants in float16, or no longer. Off at first: they move the log-probability of a token by 1e-3 to 2e-3 (the
 * median; 0.01 at most in `mini`, 0.06 in `nano`). Decoding and training have other shapes and may take other variants, so
 * with them those two no longer agree to 1e-4, nor is PPO's first ratio 1 to that.
 */
export function allowHalfPrecision(allowed: boolean): void {
  halfAllowed = allowed;
  retireTapes();
}

/** Changes whenever a measurable kernel does: what was measured under another version says nothing of this one. */
export function kernelsVersion(): string {
  const texts = [...entries].flatMap(([kernel, { variants, measurable }]) =>
    measurable ? [kernel, ...variants.map(({ name }) => name), measurable.source] : [],
  );
  return fnv1a(texts.join('\0'));
}

/** 8 hexadecimal digits. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

const runs = (entry: Entry, variant: KernelVariant, device: GPUDevice): boolean =>
  !entry.refused.has(variant.name) &&
  (!variant.quads || quadsWork(device)) &&
  (!variant.half || (halfAllowed && device.features.has('shader-f16')));

const worthTrying = ({ barriers }: KernelVariant, device: GPUDevice): boolean =>
  !barriers || !isSoftware(device.adapterInfo);

const byName = ([one]: [string, unknown], [other]: [string, unknown]): number => (one < other ? -1 : 1);

const isKnown = ({ kernel, variant }: { kernel: string; variant: string }): boolean =>
  entries.get(kernel)?.variants.some(({ name }) => name === variant) ?? false;

function entryOf(kernel: string): Entry {
  const entry = entries.get(kernel);
  if (!entry) throw new Error(`No kernel ${kernel} has variants; there are ${[...entries.keys()].join(', ')}`);
  return entry;
}
