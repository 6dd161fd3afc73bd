/** What is trained: weights and moments by the names of a checkpoint. */
import type * as tf from '@tensorflow/tfjs-core';

export type Variables = Map<string, tf.Variable>;
export type ReadonlyVariables = ReadonlyMap<string, tf.Variable>;
