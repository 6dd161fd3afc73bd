/**
 * Data-parallel training on the host backends: each member of a team holds the whole model, differentiates its share of
 * every batch, and adds its gradients to those of the others, so that all take the same step. Numbers are added in the
 * order of the members, so all end with the same weights, to the bit.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { hostFloats } from '../ops/hostValues';

export interface Team {
  /** From 0. */
  rank: number;
  size: number;
  /** Replaces every number by its sum over the members. All call it equally often, with arrays of the same lengths. */
  sum(arrays: readonly Float32Array[]): void;
}

/** Which rows of a batch are a member's: every size-th. All of them without a team. */
export function shareOf<T>(rows: readonly T[], team: Team | null): T[] {
  return team ? rows.filter((_, i) => i % team.size === team.rank) : [...rows];
}

/** Makes a member's loss and gradients those of the whole batch, in place. On the backends wasm and cpu alone. */
export function sumOverTeam(team: Team, tensors: Iterable<tf.Tensor>): void {
  team.sum([...tensors].map(hostFloats));
}

/** Where a number of arrivals is counted, and how often all have arrived. */
const [ARRIVED, ROUND] = [0, 1];
const HEADER_BYTES = 8;
/** A member that is away for as long is gone: a step of the largest model takes seconds. */
const PATIENCE_MS = 300_000;

/**
 * Memory for a team of `size` that adds up to `numbers` numbers at a time. Two places a member, used in turns: nobody
 * writes one while another still reads it.
 */
export function teamMemory(size: number, numbers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + 2 * size * numbers * Float32Array.BYTES_PER_ELEMENT);
}

/** A member of a team of threads. Waits by blocking, which a browser's main thread may not. */
export function threadTeam(memory: SharedArrayBuffer, rank: number, size: number): Team {
  const counters = new Int32Array(memory, 0, 2);
  const numbers = (memory.byteLength - HEADER_BYTES) / (2 * size * Float32Array.BYTES_PER_ELEMENT);
  const place = (turn: number, member: number): Float32Array =>
    new Float32Array(memory, HEADER_BYTES + (turn * size + member) * numbers * Float32Array.BYTES_PER_ELEMENT, numbers);
  let turn = 0;
  return {
    rank,
    size,
    sum(arrays) {
      const own = place(turn, rank);
      let at = 0;
      for (const array of arrays) {
        own.set(array, at);
        at += array.length;
      }
      waitForAll(counters, size);
      for (let member = 0; member < size; member++) {
        const theirs = place(turn, member);
        let from = 0;
        for (const array of arrays) {
          for (let i = 0; i < array.length; i++) array[i] = (member === 0 ? 0 : array[i]!) + theirs[from + i]!;
          from += array.length;
        }
      }
      turn = 1 - turn;
    },
  };
}

/** @throws when a member does not come */
function waitForAll(counters: Int32Array, size: number): void {
  const round = Atomics.load(counters, ROUND);
  if (Atomics.add(counters, ARRIVED, 1) === size - 1) {
    Atomics.store(counters, ARRIVED, 0);
    Atomics.add(counters, ROUND, 1);
    Atomics.notify(counters, ROUND);
    return;
  }
  const came = (): boolean => Atomics.wait(counters, ROUND, round, PATIENCE_MS) !== 'timed-out';
  // Twice, for a machine that slept wakes with the time over.
  if (!came() && !came()) {
    throw new Error('Expected every thread of the training to go on; one has stopped. Start the command again.');
  }
}
