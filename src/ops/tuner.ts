/**
 * Finds the fastest variant of a kernel for a shape by timing all of them, on the device at hand.
 *
 * Correct comes first: a variant whose numbers are not the plain variant's is refused. Then the variants take turns, so
 * that whatever else slows the device down slows all of them; what counts is the median over the rounds. The kernel's
 * own rule stands unless another variant is clearly faster, so that noise chooses nothing.
 *
 * Work is cut into passes of a few milliseconds, and between two of them the worker reads its messages.
 */
import { nextMacrotask } from '../gpu/macrotask';
import type { KernelChoice, KernelRefusal } from '../session/protocol';
import {
  chooseVariant,
  isMeasurable,
  kernelsWithVariants,
  refuseVariant,
  shapesOf,
  variantsOf,
} from './kernelVariants';
import { type Contest, type Contestant, openContest, type OpenContest } from './variantContest';

export interface KernelShape {
  kernel: string;
  shape: string;
}

export interface Outcome {
  /** Null where nothing is to be chosen from. */
  choice: KernelChoice | null;
  refusals: KernelRefusal[];
}

/** Of the largest number, for a variant that names none. Rounding in another order changes 1024 products by about a hundredth of it. */
const TOLERANCE = 1e-4;
const ROUNDS = 5;
/** Milliseconds that a pass should last: enough for a clock that is rounded to 0.1 ms, too little for a person to notice. */
const PASS = 6;
const MOST_REPEATS = 2048;
/** Another variant than the rule's must take at most so much of its time. */
const CLEARLY_FASTER = 0.97;
/** A variant that takes so much longer than the fastest in its first pass is not timed again. */
const HOPELESS = 2;

/** The shapes that kernels were asked for and that have more than one variant to choose from. */
export function measurableShapes(device: GPUDevice): KernelShape[] {
  return kernelsWithVariants()
    .filter(isMeasurable)
    .flatMap((kernel) =>
      shapesOf(kernel)
        .filter((shape) => variantsOf(kernel, device, shape).length > 1)
        .map((shape) => ({ kernel, shape })),
    );
}

/**
 * Times the variants of a kernel on one shape. Changes nothing; see `applyOutcome`.
 * @returns null where `signal` was aborted before the end
 */
export async function measure(
  { kernel, shape }: KernelShape,
  signal: AbortSignal,
  open: OpenContest = openContest,
): Promise<Outcome | null> {
  const contest = await open(kernel, shape, signal);
  if (!contest) return signal.aborted ? null : { choice: null, refusals: [] };
  try {
    const fit = contest.contestants.filter(({ difference, tolerance = TOLERANCE }) => difference <= tolerance);
    const refusals = contest.contestants
      .filter((contestant) => !fit.includes(contestant))
      .map(({ variant, difference }) => ({ kernel, shape, variant, difference }));
    const fastest = await winner(fit, signal);
    if (signal.aborted) return null;
    if (!fastest) return { choice: null, refusals };
    const { variant, ms } = fastest;
    return { choice: { kernel, shape, variant, ms, gflops: contest.flops / ms / 1e6 }, refusals };
  } finally {
    contest.dispose();
  }
}

/** Takes what was measured into use. Between two jobs only: other variants round otherwise. */
export function applyOutcome({ choice, refusals }: Outcome): void {
  for (const { kernel, variant } of refusals) refuseVariant(kernel, variant);
  if (choice) chooseVariant(choice.kernel, choice.shape, choice.variant);
}

interface Timed {
  contestant: Contestant;
  repeats: number;
  /** Milliseconds of one run, one number a round. */
  rounds: number[];
}

async function winner(
  fit: Contest['contestants'],
  signal: AbortSignal,
): Promise<{ variant: string; ms: number } | null> {
  const all: Timed[] = [];
  for (const contestant of fit) {
    const first = await calibrate(contestant, signal);
    if (!first) return null;
    all.push({ contestant, repeats: first.repeats, rounds: [first.ms] });
  }
  const [rule] = all;
  if (!rule) return null;
  const best = Math.min(...all.map(({ rounds }) => rounds[0] as number));
  const close = all.filter((timed) => timed === rule || (timed.rounds[0] as number) <= HOPELESS * best);
  for (const timed of close) timed.rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const timed of round % 2 === 0 ? close : [...close].reverse()) {
      await nextMacrotask();
      if (signal.aborted) return null;
      timed.rounds.push((await timed.contestant.time(timed.repeats)) / timed.repeats);
    }
  }
  const standings = close.map((timed) => ({
    variant: timed.contestant.variant,
    ms: median(timed.rounds),
    ratio: median(timed.rounds.map((ms, round) => ms / (rule.rounds[round] as number))),
  }));
  const fastest = standings.reduce((a, b) => (b.ratio < a.ratio ? b : a));
  return fastest.ratio <= CLEARLY_FASTER ? fastest : (standings[0] as (typeof standings)[number]);
}

/** How many runs fill a pass, and about how long one takes. */
async function calibrate(contestant: Contestant, signal: AbortSignal): Promise<{ repeats: number; ms: number } | null> {
  let repeats = 1;
  for (let warm = false; ; warm = true) {
    await nextMacrotask();
    if (signal.aborted) return null;
    const ms = await contestant.time(repeats);
    if (!warm) continue; // the first pass also compiles
    if (ms >= PASS / 2 || repeats === MOST_REPEATS) return { repeats, ms: ms / repeats };
    // A clock that is rounded to 0.1 ms may say 0.
    repeats = Math.min(MOST_REPEATS, Math.max(2 * repeats, Math.floor((repeats * PASS) / Math.max(ms, 0.1))));
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
