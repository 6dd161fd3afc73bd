/**
 * The ways in which a matrix product can be computed, and the order in which they are put forward for a shape where
 * nothing has been measured.
 *
 * Register tiles need no workgroup memory and no barrier: on a software GPU, where those cost more than they save,
 * nothing else is taken. Workgroup tiles are made for hardware. Where y is small and the sums are long, a workgroup
 * tile may also be split: the parts of the sums in workgroups of their own, then added up in order by a second kernel.
 */
import { type KernelVariant, powerOfTwo } from './kernelVariants';

export interface RegisterTile extends KernelVariant {
  readonly kind: 'register';
  /** Rows that an invocation takes. */
  readonly rows: number;
  /** Most invocations of a workgroup that lie below each other. */
  readonly maxRowGroups: number;
}

export interface WorkgroupTile extends KernelVariant {
  readonly kind: 'workgroup';
  /** Rows and columns of y that a workgroup covers. */
  readonly side: 64 | 32;
  /** Whether the sums are cut into parts. */
  readonly split: boolean;
}

export type ProductTile = RegisterTile | WorkgroupTile;

const register = (name: string, quads: boolean, rows: number, maxRowGroups: number): RegisterTile => ({
  kind: 'register',
  name,
  quads,
  rows,
  maxRowGroups,
});

const workgroup = (name: string, side: 64 | 32, split = false): WorkgroupTile => ({
  kind: 'workgroup',
  name,
  quads: false,
  barriers: true,
  side,
  split,
});

/**
 * Staged in float16, for gradients too: the shader scales what it stages by powers of two, exactly, so that nothing is too
 * small or too large for it. Rounding both operands to 11 bits changes a sum by at most 2^-10 of the sizes that are added
 * up; in relation to the largest sum, which is what a contest looks at, 3e-4 was seen.
 */
const inHalf = (tile: WorkgroupTile): WorkgroupTile => ({
  ...tile,
  name: `${tile.name} f16`,
  half: true,
  tolerance: 2 ** -10,
});

const QUAD = register('quad', true, 16, 4);
const QUAD_SHORT = register('quad short', true, 8, 8);
const PLAIN = register('plain', false, 8, 8);
const PLAIN_SHORT = register('plain short', false, 4, 8);
const WORKGROUP = workgroup('workgroup', 64);
const WORKGROUP_SMALL = workgroup('workgroup small', 32);
const SPLIT = workgroup('split', 64, true);
const SPLIT_SMALL = workgroup('split small', 32, true);
const HALF = inHalf(WORKGROUP);
const HALF_SMALL = inHalf(WORKGROUP_SMALL);

export const PRODUCT_TILES: readonly ProductTile[] = [
  QUAD,
  QUAD_SHORT,
  PLAIN,
  PLAIN_SHORT,
  WORKGROUP,
  WORKGROUP_SMALL,
  SPLIT,
  SPLIT_SMALL,
  HALF,
  HALF_SMALL,
];

const TALL_FIRST = [QUAD, QUAD_SHORT, PLAIN, PLAIN_SHORT] as const;
const SHORT_FIRST = [QUAD_SHORT, QUAD, PLAIN_SHORT, PLAIN] as const;
const LARGE_FIRST = [HALF, WORKGROUP, HALF_SMALL, WORKGROUP_SMALL] as const;
const SMALL_FIRST = [HALF_SMALL, WORKGROUP_SMALL, HALF, WORKGROUP] as const;

/** Most rows for which those of a workgroup tile would nearly all be empty. */
const FEW_ROWS = 8;
/** Workgroups that keep a GPU busy with tiles of 64 x 64. */
const MANY_WORKGROUPS = 64;
/** Workgroups that a split is to bring, so that even a large GPU has several for each of its cores. */
const SPLIT_WORKGROUPS = 256;
const MOST_PARTS = 16;
/** Below, what a part computes costs less than what it writes. */
const FEWEST_PARTS = 4;
/** Length of the sums of a part: two steps of the tile. */
const LEAST_SHARE = 32;

/** The shape of a product [m, n] of sums over k, as its variants are chosen by. */
export function productShape(m: number, n: number, k: number): string {
  return `${powerOfTwo(m)} x ${n} x ${powerOfTwo(k)}`;
}

/** What can serve a shape, best first. */
export function productOrder(m: number, n: number, k: number): [ProductTile, ...ProductTile[]] {
  const workgroups = workgroupsOf(64, m, n) >= MANY_WORKGROUPS ? LARGE_FIRST : SMALL_FIRST;
  const splits = [SPLIT_SMALL, SPLIT].filter((tile) => partsOf(tile, m, n, k) > 1);
  // Hardware has not been measured for this: workgroup memory is what such tiles were made for.
  return m > FEW_ROWS ? [...workgroups, ...TALL_FIRST, ...splits] : [...SHORT_FIRST, ...workgroups, ...splits];
}

/** Into how many parts a tile cuts the sums: 1 where it does not, or where it would not pay. */
export function partsOf({ split, side }: WorkgroupTile, m: number, n: number, k: number): number {
  if (!split) return 1;
  // By what the variant was chosen for.
  const whole = workgroupsOf(side, powerOfTwo(m), n);
  const parts = Math.min(powerOfTwo(SPLIT_WORKGROUPS / whole), powerOfTwo(k) / LEAST_SHARE, MOST_PARTS);
  return parts >= FEWEST_PARTS ? parts : 1;
}

const workgroupsOf = (side: number, m: number, n: number): number => Math.ceil(m / side) * Math.ceil(n / side);
