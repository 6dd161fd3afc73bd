import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { realRows } from '../ops/realRows';
import { ilqlAims, ilqlLoss } from './ilqlLoss';

/** A few replies of at most R tokens in a vocabulary of V, with what a model says of their M tokens. */
const [R, V] = [3, 4];
const small = fc.double({ min: -2, max: 2, noNaN: true });
const token = fc.record({
  said: fc.nat(V - 1),
  reward: small,
  value: small,
  /** Of both of Q, both slow copies, and pi. */
  rows: fc.array(fc.array(small, { minLength: V, maxLength: V }), { minLength: 5, maxLength: 5 }),
});
const replies = fc.array(fc.array(token, { minLength: 1, maxLength: R }), { minLength: 1, maxLength: 3 });
const settings = fc.record({
  gamma: fc.double({ min: 0.1, max: 1, noNaN: true }),
  tau: fc.double({ min: 0.5, max: 0.95, noNaN: true }),
  cqlScale: fc.constantFrom(0, 0.3),
  imitationScale: fc.constantFrom(0, 0.7),
  imitates: fc.boolean(),
});

const surprise = (row: readonly number[], said: number): number =>
  Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0)) - row[said]!;

describe("ILQL's loss", () => {
  beforeAll(() => startDevice('wasm').then(() => undefined));

  it("is the paper's, token by token, and counts no padding", () => {
    fc.assert(
      fc.property(replies, settings, (batch, { gamma, tau, cqlScale, imitationScale, imitates }) => {
        const all = batch.flat();
        const found = tf.tidy(() => {
          const byToken = (of: (one: (typeof all)[number]) => number): tf.Tensor2D =>
            tf.tensor2d(batch.map((reply) => Array.from({ length: R }, (_, t) => (reply[t] ? of(reply[t]) : 0))));
          const responseMask = byToken(() => 1);
          const { restore } = realRows(R, null, responseMask);
          const table = (row: number): tf.Tensor2D => tf.tensor2d(all.map(({ rows }) => rows[row]!));
          const actions = tf.oneHot(
            tf.tensor1d(
              all.map(({ said }) => said),
              'int32',
            ),
            V,
          ) as tf.Tensor2D;
          const value = tf.tensor2d(all.map((one) => [one.value]));
          const minibatch = { actions, restore, rewards: byToken(({ reward }) => reward), responseMask };
          const aims = ilqlAims(minibatch, [table(2), table(3)], value, gamma, tau);
          const pass = { q: [table(0), table(1)], value, logits: imitates ? table(4) : null };
          const { loss, statistics } = ilqlLoss(pass, minibatch, aims, { cqlScale, imitationScale });
          return [...statistics.dataSync(), ...loss.dataSync()];
        });
        const sums = [0, 0, 0, 0];
        for (const reply of batch)
          reply.forEach(({ said, reward, value, rows }, t) => {
            const [q, other, slow, otherSlow] = rows.map((row) => row[said]!) as [number, number, number, number];
            const target = reward + gamma * (reply[t + 1]?.value ?? 0);
            const least = Math.min(slow, otherSlow);
            sums[0]! += (q - target) ** 2 + (other - target) ** 2;
            sums[1]! += (least < value ? 1 - tau : tau) * (least - value) ** 2;
            if (cqlScale > 0) sums[2]! += surprise(rows[0]!, said) + surprise(rows[1]!, said);
            if (imitates) sums[3]! += surprise(rows[4]!, said);
          });
        const due = sums.map((sum) => sum / all.length);
        const weights = [1, 1, cqlScale, imitationScale];
        due.push(due.reduce((sum, part, i) => sum + weights[i]! * part, 0));
        found.forEach((part, i) => expect(Math.abs(part - due[i]!)).toBeLessThan(1e-4 * (1 + Math.abs(due[i]!))));
      }),
      { numRuns: 60 },
    );
  });
});
