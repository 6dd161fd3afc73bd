/**
 * Token plus position embedding of left-padded rows: x[b, t] = wte[ids[b, t]] + wpe[max(offset + t - start[b], 0)].
 *
 * Shapes: ids [B, T] int32; start [B] int32; wte [V, C]; wpe [N, C]; x [B, T, C]. `offset` is the position of column 0,
 * above 0 only when decoding. Padding gets position 0; nothing real attends to it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hostFloats, unfilled } from './hostValues';
import { registerGradient, registerReference, runOperation } from './operation';
import { passTensorThrough } from './passThrough';

export const EMBEDDING = 'NudgeEmbedding';
/**
 * Inputs ids, start, wte, wpe, dy, and dPassed [V, C] where wte was passed through; outputs dwte [V, C], dwpe [N, C].
 * May add to dPassed where it is, and give it back as dwte.
 */
export const EMBEDDING_BACKWARD = 'NudgeEmbeddingBackward';

export interface EmbeddingAttributes {
  /** Null where it is the input `offset`. */
  offset: number | null;
  /** Whether wte is an output too. */
  passWte: boolean;
}

export interface EmbeddingBackwardAttributes {
  offset: number;
}

/**
 * @param offset position of column 0; a tensor [1] int32 where it is to be data, then without a gradient
 * @returns x [B, T, C]
 */
export function embedding(
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D,
  offset: number | tf.Tensor1D = 0,
): tf.Tensor3D {
  const fixed = typeof offset === 'number';
  const attributes: EmbeddingAttributes = { offset: fixed ? offset : null, passWte: false };
  const inputs = { ids, start, wte, wpe, ...(!fixed && { offset }) };
  return runOperation(EMBEDDING, inputs, attributes)[0] as tf.Tensor3D;
}

/**
 * Embedding of a model whose head has the same weights. Take wte for the head from here: its gradient then comes to the
 * one of the embedding, which adds to it only the rows of tokens that occur. Where the head is not used, take `embedding`:
 * tfjs gives an output that nobody uses a gradient of zeros, which is made once when a step is recorded, so that every
 * replay would add to what the one before had left there.
 * @returns x [B, T, C], and wte as it came
 */
export function tiedEmbedding(
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D,
): { x: tf.Tensor3D; wte: tf.Tensor2D } {
  const attributes: EmbeddingAttributes = { offset: 0, passWte: true };
  const [x, passed] = runOperation(EMBEDDING, { ids, start, wte, wpe }, attributes);
  return { x: x as tf.Tensor3D, wte: passed as tf.Tensor2D };
}

/** Position of every token, [B * T], on the host. */
function positions(start: tf.Tensor, length: number, offset: number): Int32Array {
  const starts = start.dataSync<'int32'>();
  const places = new Int32Array(starts.length * length);
  for (let i = 0; i < places.length; i++) {
    places[i] = Math.max(offset + (i % length) - starts[Math.floor(i / length)]!, 0);
  }
  return places;
}

registerReference<EmbeddingAttributes>(EMBEDDING, (inputs, { offset, passWte }) => {
  const { ids, start, wte, wpe } = inputs as {
    ids: tf.Tensor2D;
    start: tf.Tensor1D;
    wte: tf.Tensor2D;
    wpe: tf.Tensor2D;
  };
  const [batch, length] = ids.shape;
  const width = wte.shape[1];
  const first = offset ?? ((inputs['offset'] as tf.Tensor).dataSync()[0] as number);
  const output = unfilled<tf.Rank.R3>([batch, length, width]);
  const [x, tokenRows, placeRows] = [hostFloats(output), hostFloats(wte), hostFloats(wpe)];
  const tokens = ids.dataSync<'int32'>();
  const places = positions(start, length, first);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]! * width;
    const place = places[i]! * width;
    for (let c = 0; c < width; c++) x[i * width + c] = tokenRows[token + c]! + placeRows[place + c]!;
  }
  return [output, ...(passWte ? [passTensorThrough(wte)] : [])];
});

// A loop: tfjs-wasm has no UnsortedSegmentSum, and a one-hot product costs V times as much.
registerReference<EmbeddingBackwardAttributes>(EMBEDDING_BACKWARD, (inputs, { offset }) => {
  const { ids, start, wte, wpe, dy, dPassed } = inputs as Record<string, tf.Tensor> &
    Record<'wte' | 'wpe', tf.Tensor2D>;
  const [, length, width] = (dy as tf.Tensor3D).shape;
  const outputs = [unfilled<tf.Rank.R2>(wte.shape), unfilled<tf.Rank.R2>(wpe.shape)] as const;
  const [dwte, dwpe] = outputs.map(hostFloats) as [Float32Array, Float32Array];
  if (dPassed) dwte.set(hostFloats(dPassed));
  else dwte.fill(0);
  dwpe.fill(0);
  const tokens = (ids as tf.Tensor).dataSync<'int32'>();
  const places = positions(start as tf.Tensor, length, offset);
  const gradient = hostFloats(dy as tf.Tensor);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]! * width;
    const place = places[i]! * width;
    for (let c = 0; c < width; c++) {
      const g = gradient[i * width + c]!;
      dwte[token + c] = dwte[token + c]! + g;
      dwpe[place + c] = dwpe[place + c]! + g;
    }
  }
  return [...outputs];
});

registerGradient<EmbeddingAttributes>(
  EMBEDDING,
  { inputs: ['ids', 'start', 'wte', 'wpe'], outputs: [] },
  ([dy, dPassed], [ids, start, wte, wpe], { offset }) => {
    if (offset === null) throw new Error('An embedding whose offset is a tensor, as in decoding, has no gradient.');
    const attributes: EmbeddingBackwardAttributes = { offset };
    const inputs = { ids, start, wte, wpe, dy, ...(dPassed && { dPassed: ownMemory(dPassed) }) };
    const [dwte, dwpe] = runOperation(EMBEDDING_BACKWARD, inputs as Record<string, tf.Tensor>, attributes) as [
      tf.Tensor,
      tf.Tensor,
    ];
    return { wte: () => dwte, wpe: () => dwpe };
  },
);

/** A gradient that may be written: itself, or a copy where tfjs gave the same memory to other gradients too. */
function ownMemory(gradient: tf.Tensor): tf.Tensor {
  return tf.backend().refCount(gradient.dataId) > 1 ? tf.add(gradient, 0) : gradient;
}
