/**
 * The states that predict a response, out of those of prompt and response.
 *
 * A row of B is a prompt of P tokens and a response of R, T = P + R. The state one position earlier predicts a token:
 * states [B R, C] = hidden [B, T, C] at P - 1 … T - 2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerGradient, registerReference, runOperation } from './operation';
import { passTensorThrough } from './passThrough';

/** Input hidden; outputs states, and hidden where it is passed through. */
export const RESPONSE_ROWS = 'NudgeResponseRows';
/** Inputs dStates, and dPassed where hidden was passed through; output dHidden [B, T, C]. */
export const RESPONSE_ROWS_BACKWARD = 'NudgeResponseRowsBackward';

export interface ResponseRowsAttributes {
  /** T */
  length: number;
  /** R */
  responseLength: number;
  passHidden: boolean;
}

/**
 * @param hidden [B, T, C]
 * @param promptLength P, at least 1
 * @returns [B R, C]
 */
export function responseRows(hidden: tf.Tensor3D, promptLength: number): tf.Tensor2D {
  return runOperation(RESPONSE_ROWS, { hidden }, attributesOf(hidden, promptLength, false))[0] as tf.Tensor2D;
}

/** The same where hidden goes on beside it: take it from here, so that its gradient is added where this one is written. */
export function responseRowsBeside(
  hidden: tf.Tensor3D,
  promptLength: number,
): { states: tf.Tensor2D; hidden: tf.Tensor3D } {
  const [states, passed] = runOperation(RESPONSE_ROWS, { hidden }, attributesOf(hidden, promptLength, true));
  return { states: states as tf.Tensor2D, hidden: passed as tf.Tensor3D };
}

function attributesOf(hidden: tf.Tensor3D, promptLength: number, passHidden: boolean): ResponseRowsAttributes {
  const length = hidden.shape[1];
  return { length, responseLength: length - promptLength, passHidden };
}

registerReference<ResponseRowsAttributes>(RESPONSE_ROWS, (inputs, { length, responseLength, passHidden }) => {
  const { hidden } = inputs as { hidden: tf.Tensor3D };
  const [batch, , width] = hidden.shape;
  const states = tf.slice(hidden, [0, length - responseLength - 1, 0], [batch, responseLength, width]);
  return [tf.reshape(states, [batch * responseLength, width]), ...(passHidden ? [passTensorThrough(hidden)] : [])];
});

registerReference<ResponseRowsAttributes>(RESPONSE_ROWS_BACKWARD, (inputs, { length, responseLength }) => {
  const { dStates, dPassed } = inputs as { dStates: tf.Tensor2D; dPassed?: tf.Tensor };
  const [rowCount, width] = dStates.shape;
  const d = tf.reshape<tf.Rank.R3>(dStates, [rowCount / responseLength, responseLength, width]);
  const dHidden = tf.pad3d(d, [
    [0, 0],
    [length - responseLength - 1, 1],
    [0, 0],
  ]);
  return [dPassed ? tf.add(dHidden, dPassed) : dHidden];
});

registerGradient<ResponseRowsAttributes>(
  RESPONSE_ROWS,
  { inputs: [], outputs: [] },
  ([dStates, dPassed], _saved, attributes) => ({
    hidden: () =>
      runOperation(
        RESPONSE_ROWS_BACKWARD,
        { dStates: dStates as tf.Tensor, ...(dPassed && { dPassed }) },
        attributes,
      )[0] as tf.Tensor,
  }),
);
