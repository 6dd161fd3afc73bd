import casesJson from '#oracle/cases.json?raw';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { type OracleCase, oracleErrors } from './formulas.oracle';

/** Of float32 against float64, relative to the largest number of a tensor. */
const TOLERANCE = 1e-4;
const { cases } = JSON.parse(casesJson) as { cases: OracleCase[] };

describe.each(['cpu', 'wasm'] as const)('the formulas on %s', (backend) => {
  beforeAll(async () => {
    const { report } = await startDevice(backend);
    expect(report.backend).toBe(backend);
  });

  it('are given cases', () => expect(cases.length).toBeGreaterThan(0));

  it.each(cases)('$name says what float64 says (case %#)', async (oracleCase) => {
    const errors = await oracleErrors(oracleCase);
    for (const [answer, error] of Object.entries(errors)) expect(error, answer).toBeLessThan(TOLERANCE);
  });

  it('refuse a case that nothing computes', async () => {
    await expect(oracleErrors({ name: 'unheard_of', inputs: {}, expected: {} })).rejects.toThrow('unheard_of');
  });

  it('fail an answer that is missing', async () => {
    const known = cases.find(({ name }) => name === 'best_of_n');
    if (!known) return;
    expect(await oracleErrors({ ...known, expected: { unheard_of: [1] } })).toEqual({ unheard_of: Infinity });
  });
});
