/**
 * The GPT, top to bottom: GPT-2's pre-norm block, tied embeddings, learned positions, GELU in tanh form.
 * Radford et al. 2019, section 2.3.
 *
 * Letters: B batch, T tokens, C width, H heads, L layers, V vocabulary, N context, M rows: B T, or on the host backends
 * those of them that are no padding (ops/realRows.ts).
 * Rows are left-padded: `start` [B] is the first real position, and position embeddings count from there, so a padded
 * row computes what it would compute alone.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelShape } from '../config';
import { causalAttention } from '../ops/causalAttention';
import { embedding, tiedEmbedding } from '../ops/embedding';
import { finalLayerNorm, layerNorm } from '../ops/layerNorm';
import { linear } from '../ops/linear';
import { matrixProduct } from '../ops/matrixProduct';
import { mlp } from '../ops/mlp';
import { realRows } from '../ops/realRows';
import { parameterShapes, type ParameterName } from './parameters';

/** Weights by their Hugging Face names, and the shape they make. */
export interface Gpt {
  readonly shape: ModelShape;
  readonly parameters: ReadonlyMap<ParameterName, tf.Variable>;
  /** Most bytes of logits that training and scoring store whole; `MAX_LOGITS_BYTES` unless given. */
  readonly maxLogitsBytes?: number;
}

/** Takes the queries, keys and values of a layer, [B, T, 3C], to its attention output, [B, T, C]. */
export type Attend = (qkv: tf.Tensor3D, layer: number) => tf.Tensor3D;

/**
 * Hidden states after the last norm.
 * @param ids [B, T] int32, T at most N
 * @param start [B] int32, first real position of each row
 * @param mask [B, R] of the last R columns: what it leaves out need not be computed
 * @returns [B, T, C]
 */
export function hiddenStates(gpt: Gpt, ids: tf.Tensor2D, start: tf.Tensor1D, mask?: tf.Tensor2D): tf.Tensor3D {
  const embedded = embedding(ids, start, tokenTable(gpt), positionTable(gpt), 0);
  return blocks(gpt, embedded, ownAttention(gpt, start), start, mask);
}

const ownAttention =
  ({ shape: { heads } }: Gpt, start: tf.Tensor1D): Attend =>
  (qkv) =>
    causalAttention(qkv, start, heads);

/** What `headLogProb` and `headCrossEntropy` need of a pass that is trained. */
export interface StatesAndHead {
  /** [B, T, C] */
  hidden: tf.Tensor3D;
  /** [V, C], the embedding's own weights */
  wte: tf.Tensor2D;
}

/**
 * Hidden states after the last norm, and the weights of the head: with these, training sends the gradient of the head
 * through the embedding, which adds its own.
 * @param ids [B, T] int32, T at most N
 * @param start [B] int32, first real position of each row
 * @param mask [B, R] of the last R columns: what it leaves out need not be computed
 * @returns hidden [B, T, C], wte [V, C]
 */
export function statesAndHead(gpt: Gpt, ids: tf.Tensor2D, start: tf.Tensor1D, mask?: tf.Tensor2D): StatesAndHead {
  const { x, wte } = tiedEmbedding(ids, start, tokenTable(gpt), positionTable(gpt));
  return { hidden: blocks(gpt, x, ownAttention(gpt, start), start, mask), wte };
}

/**
 * The whole network but for where attention finds its keys, which differs between training and decoding.
 * @param offset position of column 0; above 0 only when decoding, and a tensor [1] int32 where it is to be data
 */
export function transformer(
  gpt: Gpt,
  ids: tf.Tensor2D,
  start: tf.Tensor1D,
  offset: number | tf.Tensor1D,
  attend: Attend,
): tf.Tensor3D {
  const embedded = embedding(ids, start, tokenTable(gpt), positionTable(gpt), offset);
  return blocks(gpt, embedded, attend, offset === 0 ? start : undefined);
}

const tokenTable = (gpt: Gpt): tf.Tensor2D => weight(gpt, 'transformer.wte.weight') as tf.Tensor2D;
const positionTable = (gpt: Gpt): tf.Tensor2D => weight(gpt, 'transformer.wpe.weight') as tf.Tensor2D;

/**
 * From embeddings to hidden states, [B, T, C] both; those of padding mean nothing.
 * @param start where columns may be padding on the left
 * @param mask where columns may be padding on the right
 */
function blocks(gpt: Gpt, embedded: tf.Tensor3D, attend: Attend, start?: tf.Tensor1D, mask?: tf.Tensor2D): tf.Tensor3D {
  const { layers, width } = gpt.shape;
  const [batch, length] = embedded.shape;
  const { drop, restore } = realRows(length, start ?? null, mask);
  const vector = (name: ParameterName): tf.Tensor1D => weight(gpt, name) as tf.Tensor1D;
  const matrix = (name: ParameterName): tf.Tensor2D => weight(gpt, name) as tf.Tensor2D;

  let x = drop(tf.reshape<tf.Rank.R2>(embedded, [batch * length, width])); // [M, C]
  for (let layer = 0; layer < layers; layer++) {
    const h = `transformer.h.${layer}` as const;

    const { y: a, x: before } = layerNorm(x, vector(`${h}.ln_1.weight`), vector(`${h}.ln_1.bias`));
    const qkv = linear(a, matrix(`${h}.attn.c_attn.weight`), vector(`${h}.attn.c_attn.bias`)); // [M, 3C]
    const attended = attend(tf.reshape<tf.Rank.R3>(restore(qkv), [batch, length, 3 * width]), layer);
    const own = drop(tf.reshape<tf.Rank.R2>(attended, [batch * length, width])); // [M, C]
    x = linear(own, matrix(`${h}.attn.c_proj.weight`), vector(`${h}.attn.c_proj.bias`), before);

    const { y: m, x: between } = layerNorm(x, vector(`${h}.ln_2.weight`), vector(`${h}.ln_2.bias`));
    x = mlp(
      m,
      matrix(`${h}.mlp.c_fc.weight`), // [C, 4C]
      vector(`${h}.mlp.c_fc.bias`),
      matrix(`${h}.mlp.c_proj.weight`),
      vector(`${h}.mlp.c_proj.bias`),
      between,
    );
  }
  const last = finalLayerNorm(x, vector('transformer.ln_f.weight'), vector('transformer.ln_f.bias'));
  return tf.reshape<tf.Rank.R3>(restore(last), [batch, length, width]);
}

/**
 * Logits through the tied embedding, for a few rows: to train and to score, see `ops/outputHead.ts`.
 * @param hidden [M, C]
 * @returns [M, V]
 */
export function logits(gpt: Gpt, hidden: tf.Tensor2D): tf.Tensor2D {
  return matrixProduct(hidden, tokenTable(gpt), { transposeB: true });
}

function weight(gpt: Gpt, name: ParameterName): tf.Variable {
  const parameter = gpt.parameters.get(name);
  if (!parameter) throw new Error(`The model has no parameter ${name}`);
  return parameter;
}

/** Number of weights of a shape; the tied head counts once. */
export function parameterCount(shape: ModelShape): number {
  let count = 0;
  for (const dims of parameterShapes(shape).values()) count += dims.reduce((product, size) => product * size, 1);
  return count;
}

/** A copy with variables of its own; the caller disposes it. */
export function cloneGpt(gpt: Gpt): Gpt {
  const parameters = new Map<ParameterName, tf.Variable>();
  for (const [name, parameter] of gpt.parameters) {
    // tf.clone shares the buffer, which an in-place update would then write for both.
    parameters.set(
      name,
      tf.tidy(() => tf.variable(tf.add(parameter, 0))),
    );
  }
  return { ...gpt, parameters };
}

const followers = new WeakMap<Gpt, (() => void)[]>();

/** Calls `callback` when the model is disposed: for what was made for it and lives as long. */
export function whenDisposed(gpt: Gpt, callback: () => void): void {
  followers.set(gpt, [...(followers.get(gpt) ?? []), callback]);
}

export function disposeGpt(gpt: Gpt): void {
  for (const callback of followers.get(gpt) ?? []) callback();
  followers.delete(gpt);
  for (const parameter of gpt.parameters.values()) parameter.dispose();
}
