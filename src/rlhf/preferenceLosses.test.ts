import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import {
  type ComparisonLogProbs,
  conservativeDpoLoss,
  dpoLoss,
  ipoLoss,
  ktoDriftKl,
  ktoLoss,
  orpoLogOdds,
  orpoLoss,
  robustDpoLoss,
  simpoLoss,
} from './preferenceLosses';

beforeAll(async () => {
  await startDevice('cpu');
});

const logProb = fc.double({ min: -40, max: -0.5, noNaN: true });
const comparison = fc.tuple(logProb, logProb, logProb, logProb);
const one = (x: number): tf.Tensor1D => tf.tensor1d([x]);
const logProbs = ([chosen, rejected, refChosen, refRejected]: number[]): ComparisonLogProbs => ({
  chosen: one(chosen!),
  rejected: one(rejected!),
  refChosen: one(refChosen!),
  refRejected: one(refRejected!),
});
const value = (loss: () => tf.Tensor): number => tf.tidy(() => loss().dataSync()[0]!);
const LENGTHS = { chosen: 5, rejected: 7 };
const lengths = (): { chosen: tf.Tensor1D; rejected: tf.Tensor1D } => ({
  chosen: one(LENGTHS.chosen),
  rejected: one(LENGTHS.rejected),
});

describe('the DPO family', () => {
  it('starts at ln 2, while the policy is the reference policy', () =>
    fc.assert(
      fc.property(logProb, logProb, (chosen, rejected) => {
        const same = [chosen, rejected, chosen, rejected];
        expect(value(() => dpoLoss(logProbs(same), 0.1))).toBeCloseTo(Math.LN2, 5);
        expect(value(() => conservativeDpoLoss(logProbs(same), 0.1, 0.2))).toBeCloseTo(Math.LN2, 5);
        expect(value(() => robustDpoLoss(logProbs(same), 0.1, 0.2))).toBeCloseTo(Math.LN2, 5);
      }),
    ));

  it('without label noise is one and the same loss', () =>
    fc.assert(
      fc.property(comparison, (four) => {
        const dpo = value(() => dpoLoss(logProbs(four), 0.1));
        expect(value(() => conservativeDpoLoss(logProbs(four), 0.1, 0))).toBeCloseTo(dpo, 5);
        expect(value(() => robustDpoLoss(logProbs(four), 0.1, 0))).toBeCloseTo(dpo, 5);
      }),
    ));

  it('robust DPO on flipped labels expects DPO on clean ones', () =>
    fc.assert(
      fc.property(comparison, ([chosen, rejected, refChosen, refRejected]) => {
        const e = 0.2;
        const robust = (four: number[]): number => value(() => robustDpoLoss(logProbs(four), 0.1, e));
        const clean = robust([chosen, rejected, refChosen, refRejected]);
        const flipped = robust([rejected, chosen, refRejected, refChosen]);
        const dpo = value(() => dpoLoss(logProbs([chosen, rejected, refChosen, refRejected]), 0.1));
        expect((1 - e) * clean + e * flipped).toBeCloseTo(dpo, 4);
      }),
    ));

  it('pushes chosen up and rejected down by the same force, beta at the start times a half', () =>
    tf.tidy(() => {
      const [chosen, rejected] = tf.grads((c, r) =>
        dpoLoss(
          { chosen: c as tf.Tensor1D, rejected: r as tf.Tensor1D, refChosen: one(-3), refRejected: one(-4) },
          0.1,
        ),
      )([one(-3), one(-4)]);
      expect(chosen!.dataSync()[0]).toBeCloseTo(-0.05, 6);
      expect(rejected!.dataSync()[0]).toBeCloseTo(0.05, 6);
    }));

  it('IPO is content at a log-ratio difference of 1 / (2 beta), and only there', () => {
    expect(value(() => ipoLoss(logProbs([-1, -7, -2, -3]), 0.1))).toBeCloseTo(0, 6);
    expect(value(() => ipoLoss(logProbs([-1, -8, -2, -3]), 0.1))).toBeCloseTo(1, 5);
    expect(value(() => ipoLoss(logProbs([-1, -6, -2, -3]), 0.1))).toBeCloseTo(1, 5);
  });

  it('IPO averaged over length divides each log-ratio by its own', () =>
    fc.assert(
      fc.property(comparison, ([chosen, rejected, refChosen, refRejected]) => {
        const h = (chosen - refChosen) / LENGTHS.chosen - (rejected - refRejected) / LENGTHS.rejected;
        const loss = value(() => ipoLoss(logProbs([chosen, rejected, refChosen, refRejected]), 0.5, lengths()));
        expect(loss).toBeCloseTo((h - 1) ** 2, 2);
      }),
    ));
});

describe('the losses without a reference policy', () => {
  it('SimPO at equal mean log-probs is -log sigmoid(-gamma), however long the responses', () =>
    fc.assert(
      fc.property(fc.double({ min: -5, max: -0.1, noNaN: true }), (mean) => {
        const two = { chosen: one(mean * LENGTHS.chosen), rejected: one(mean * LENGTHS.rejected) };
        expect(value(() => simpoLoss(two, lengths(), 2, 1))).toBeCloseTo(Math.log(1 + Math.E), 4);
      }),
    ));

  it("ORPO's log odds ratio is that of the mean token probabilities", () =>
    fc.assert(
      fc.property(logProb, logProb, (chosen, rejected) => {
        const odds = (logP: number, length: number): number => {
          const p = Math.exp(logP / length);
          return Math.log(p) - Math.log1p(-p);
        };
        const two = { chosen: one(chosen), rejected: one(rejected) };
        expect(value(() => orpoLogOdds(two, lengths()))).toBeCloseTo(odds(chosen, 5) - odds(rejected, 7), 4);
      }),
    ));

  it('ORPO without its odds is imitation', () => {
    const two = { chosen: one(-3), rejected: one(-9) };
    expect(value(() => orpoLoss(two, lengths(), one(1.5), 0))).toBeCloseTo(1.5, 6);
    expect(value(() => orpoLoss(two, lengths(), one(1.5), 0.1))).toBeGreaterThan(1.5);
  });
});

describe('KTO', () => {
  const kto = (logRatio: number, desirable: boolean, z: number): number =>
    value(() => ktoLoss(one(logRatio - 9), one(-9), desirable, tf.scalar(z), 0.1));

  it('is a half at the reference point, and what is good for one kind is bad for the other', () =>
    fc.assert(
      fc.property(fc.double({ min: -9, max: 9, noNaN: true }), fc.double({ min: 0, max: 3, noNaN: true }), (d, z) => {
        expect(kto(z, true, z)).toBeCloseTo(0.5, 5);
        expect(kto(d, true, z) + kto(d, false, z)).toBeCloseTo(1, 5);
        expect(Math.sign(0.5 - kto(d + 0.01, true, z))).toBe(d + 0.01 > z ? 1 : -1);
      }),
    ));

  it('never takes a drift below 0 as its reference point', () => {
    const drift = (own: number[], ref: number[]): number => value(() => ktoDriftKl(tf.tensor1d(own), tf.tensor1d(ref)));
    expect(drift([-1, -2], [-3, -4])).toBeCloseTo(2, 6);
    expect(drift([-3, -4], [-1, -2])).toBe(0);
  });
});
