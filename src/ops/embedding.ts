/**
 * Token plus position embedding of left-padded rows: x[b, t] = wte[ids[b, t]] + wpe[max(offset + t - start[b], 0)].
 *
 * Shapes: ids [B, T] int32; start [B] int32; wte [V, C]; wpe [N, C]; x [B, T, C]. `offset` is the position of column 0,
 * above 0 only when decoding. Padding gets position 0; nothing real attends to it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hostFloats } from './hostValues';
import { registerGradient, registerReference, runOperation } from './operation';

export const EMBEDDING = 'NudgeEmbedding';
/** Inputs ids, start, dy; outputs dwte [V, C], dwpe [N, C]. */
export const EMBEDDING_BACKWARD = 'NudgeEmbeddingBackward';

export interface EmbeddingAttributes {
  offset: number;
}

export interface EmbeddingBackwardAttributes extends EmbeddingAttributes {
  vocabulary: number;
  context: number;
}

/**
 * @returns x [B, T, C]
 */
export function embedding(
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D,
  offset = 0,
): tf.Tensor3D {
  const attributes: EmbeddingAttributes = { offset };
  return runOperation(EMBEDDING, { ids, start, wte, wpe }, attributes)[0] as tf.Tensor3D;
}

/** Position of every token, [B * T], on the host. */
function positions(start: tf.Tensor, length: number, offset: number): Int32Array {
  const starts = start.dataSync();
  return Int32Array.from({ length: starts.length * length }, (_, i) =>
    Math.max(offset + (i % length) - (starts[Math.floor(i / length)] as number), 0),
  );
}

registerReference<EmbeddingAttributes>(EMBEDDING, (inputs, { offset }) => {
  const { ids, start, wte, wpe } = inputs as {
    ids: tf.Tensor2D;
    start: tf.Tensor1D;
    wte: tf.Tensor2D;
    wpe: tf.Tensor2D;
  };
  const [batch, length] = ids.shape;
  const tokens = tf.gather(wte, tf.reshape(ids, [-1]));
  const places = tf.gather(wpe, tf.tensor1d(positions(start, length, offset), 'int32'));
  return [tf.reshape(tf.add(tokens, places), [batch, length, wte.shape[1]])];
});

// Loops over host arrays: tfjs-wasm has no UnsortedSegmentSum, and a one-hot product costs V times as much.
registerReference<EmbeddingBackwardAttributes>(EMBEDDING_BACKWARD, (inputs, { offset, vocabulary, context }) => {
  const { ids, start, dy } = inputs as { ids: tf.Tensor2D; start: tf.Tensor1D; dy: tf.Tensor3D };
  const width = dy.shape[2];
  const tokens = ids.dataSync();
  const places = positions(start, ids.shape[1], offset);
  const gradient = hostFloats(dy);
  const dwte = new Float32Array(vocabulary * width);
  const dwpe = new Float32Array(context * width);
  for (let i = 0; i < tokens.length; i++) {
    const token = (tokens[i] as number) * width;
    const place = (places[i] as number) * width;
    for (let c = 0; c < width; c++) {
      const g = gradient[i * width + c] as number;
      dwte[token + c] = (dwte[token + c] as number) + g;
      dwpe[place + c] = (dwpe[place + c] as number) + g;
    }
  }
  return [tf.tensor2d(dwte, [vocabulary, width]), tf.tensor2d(dwpe, [context, width])];
});

registerGradient<EmbeddingAttributes>(
  EMBEDDING,
  { inputs: ['ids', 'start', 'wte', 'wpe'], outputs: [] },
  ([dy], [ids, start, wte, wpe], { offset }) => {
    const attributes: EmbeddingBackwardAttributes = {
      offset,
      vocabulary: (wte as tf.Tensor).shape[0] as number,
      context: (wpe as tf.Tensor).shape[0] as number,
    };
    const inputs = { ids, start, dy } as Record<string, tf.Tensor>;
    const [dwte, dwpe] = runOperation(EMBEDDING_BACKWARD, inputs, attributes) as [tf.Tensor, tf.Tensor];
    return { wte: () => dwte, wpe: () => dwpe };
  },
);
