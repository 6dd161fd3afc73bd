import casesJson from '#oracle/cases.json?raw';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import '../ops/webgpuKernels';
import { type OracleCase, oracleErrors } from './formulas.oracle';

/** Of float32 against float64, relative to the largest number of a tensor. */
const TOLERANCE = 1e-4;
const { cases } = JSON.parse(casesJson) as { cases: OracleCase[] };

describe('the formulas on WebGPU', () => {
  beforeAll(async () => {
    const { report } = await startDevice('webgpu');
    expect(report.backend).toBe('webgpu');
  });

  it('are given cases', () => expect(cases.length).toBeGreaterThan(0));

  it.each(cases)('$name says what float64 says (case %#)', async (oracleCase) => {
    const errors = await oracleErrors(oracleCase);
    for (const [answer, error] of Object.entries(errors)) expect(error, answer).toBeLessThan(TOLERANCE);
  });
});
