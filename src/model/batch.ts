/**
 * Rows of different lengths as one rectangle: prompts left-padded to P, responses right-padded to R, so that every
 * response starts in column P.
 */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors';
import type { HostTensor } from '../gpu/step';

export interface Batch {
  /** [B, P + R] */
  ids: Int32Array;
  /** [B], first real column of each row */
  start: Int32Array;
  /** [B, R], 1 on the response's tokens, the stop token included */
  responseMask: Float32Array;
  /** B */
  rows: number;
  /** P */
  promptLength: number;
  /** R */
  responseLength: number;
}

/** How long rows are made beyond what they need, so that few shapes come: see `lengthMultiple`. */
export interface Lengths {
  /** Lengths are rounded up to it; 1 unless given. */
  multiple?: number;
  /** Shortest P. */
  prompt?: number;
  /** Shortest R. */
  response?: number;
}

const lengthOf = (longest: number, shortest: number, multiple: number, most: number): number =>
  Math.max(longest, Math.min(Math.ceil(Math.max(longest, shortest) / multiple) * multiple, most));

/**
 * Prompts alone, left-padded to the longest.
 * @param prompts B token lists
 * @param most P at most, but for a longer prompt
 * @returns ids [B, P], start [B]
 */
export function padPrompts(
  prompts: readonly number[][],
  pad: number,
  { multiple = 1, prompt = 1 }: Lengths = {},
  most = Infinity,
): { ids: Int32Array; start: Int32Array; promptLength: number } {
  const promptLength = lengthOf(Math.max(1, ...prompts.map((ids) => ids.length)), prompt, multiple, most);
  const ids = new Int32Array(prompts.length * promptLength).fill(pad);
  const start = Int32Array.from(prompts, (prompt) => promptLength - prompt.length);
  prompts.forEach((prompt, row) => ids.set(prompt, (row + 1) * promptLength - prompt.length));
  return { ids, start, promptLength };
}

/**
 * @param prompts B token lists, none empty
 * @param responses B token lists, each ending with its stop token where it has one
 * @param pad fills both ends; a token of its own, so that the stop token is learnt
 * @param context P + R at most
 * @param lengths of the rows, where the context allows
 */
export function padBatch(
  prompts: readonly number[][],
  responses: readonly number[][],
  pad: number,
  context: number,
  { multiple = 1, prompt = 1, response = 1 }: Lengths = {},
): Batch {
  const rows = prompts.length;
  const longestPrompt = Math.max(1, ...prompts.map((ids) => ids.length));
  const longestResponse = Math.max(1, ...responses.map((ids) => ids.length));
  if (longestPrompt + longestResponse > context) {
    throw new InputError(
      `Expected prompt and reply to fit ${context} tokens, got ${longestPrompt} and ${longestResponse}.`,
      'Shorten the conversation or the reply.',
    );
  }
  const responseLength = lengthOf(longestResponse, response, multiple, context - longestPrompt);
  const promptLength = lengthOf(longestPrompt, prompt, multiple, context - responseLength);
  const length = promptLength + responseLength;
  const ids = new Int32Array(rows * length).fill(pad);
  const start = new Int32Array(rows);
  const responseMask = new Float32Array(rows * responseLength);
  prompts.forEach((prompt, row) => {
    const response = responses[row] ?? [];
    start[row] = promptLength - prompt.length;
    ids.set(prompt, row * length + promptLength - prompt.length);
    ids.set(response, row * length + promptLength);
    responseMask.fill(1, row * responseLength, row * responseLength + response.length);
  });
  return { ids, start, responseMask, rows, promptLength, responseLength };
}

/** Some rows of a batch, in the order given; widths stay. */
export function selectRows(batch: Batch, order: readonly number[]): Batch {
  const { promptLength, responseLength } = batch;
  const length = promptLength + responseLength;
  const take = <A extends Int32Array | Float32Array>(from: A, into: A, width: number): A => {
    order.forEach((row, i) => into.set(from.subarray(row * width, (row + 1) * width), i * width));
    return into;
  };
  return {
    ids: take(batch.ids, new Int32Array(order.length * length), length),
    start: take(batch.start, new Int32Array(order.length), 1),
    responseMask: take(batch.responseMask, new Float32Array(order.length * responseLength), responseLength),
    rows: order.length,
    promptLength,
    responseLength,
  };
}

export type BatchInput = 'ids' | 'start' | 'responseMask';

/** The batch as a step takes it: ids [B, P + R] and start [B] int32, responseMask [B, R]. */
export function batchInputs({
  ids,
  start,
  responseMask,
  rows,
  promptLength,
  responseLength,
}: Batch): Record<BatchInput, HostTensor> {
  return {
    ids: { values: ids, shape: [rows, promptLength + responseLength] },
    start: { values: start, shape: [rows] },
    responseMask: { values: responseMask, shape: [rows, responseLength] },
  };
}

export interface BatchTensors {
  ids: tf.Tensor2D;
  start: tf.Tensor1D;
  responseMask: tf.Tensor2D;
}

/** The batch on the device; the caller disposes it. */
export function batchTensors({ ids, start, responseMask, rows, promptLength, responseLength }: Batch): BatchTensors {
  return {
    ids: tf.tensor2d(ids, [rows, promptLength + responseLength], 'int32'),
    start: tf.tensor1d(start, 'int32'),
    responseMask: tf.tensor2d(responseMask, [rows, responseLength]),
  };
}
