import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../src/config';
import { reportTables, withMeasured } from '../benchReport.mjs';
import type { Burst } from './measured';
import { brokenTrainings, reportOf } from './report';
import type { Measurements } from './rounds';

const shape = PRESETS.nano;

const burst = (ms: number, encodeMs: number): Burst => ({
  ms,
  steps: [
    { encodeMs, loss: 5, dispatches: 90, passes: 1, submits: 1, bindGroupsCreated: 0, buffersCreated: 0 },
    { encodeMs, loss: 4, dispatches: 90, passes: 1, submits: 1, bindGroupsCreated: 0, buffersCreated: 0 },
  ],
});

const measurements = (): Measurements => ({
  options: {
    preset: 'nano',
    quick: true,
    contenders: ['nudge', 'tfjs'],
    subgroups: true,
    f16: false,
    parts: ['train', 'decode', 'ppo', 'kernels'],
    batch: 16,
    length: 64,
  },
  shape,
  started: { nudge: { description: 'a GPU', features: ['subgroups'], startMs: 9 } },
  coldStart: { nudge: 700 },
  training: {
    nudge: { bursts: [burst(30, 0.2), burst(10, 0.4), burst(20, 0.3)], losses: [6.24, 6, 4] },
    tfjs: { bursts: [burst(300, 30), burst(200, 20), burst(400, 40)], losses: [6.24, 6, 4] },
  },
  decoding: {
    nudge: { one: [{ ms: 100, tokens: 32 }], many: [{ ms: 100, tokens: 1024 }], dispatchesPerToken: 30 },
    tfjs: { one: [{ ms: 1000, tokens: 4 }], many: [{ ms: 1000, tokens: 16 }], dispatchesPerToken: 100 },
  },
  decodingWork: { shape, seed: 7, promptLength: 16, newTokens: 32, positions: 1 },
  ppoWork: { shape, seed: 7, prompts: 32, promptLength: 16, newTokens: 32, epochs: 4, minibatch: 32 },
  ppo: [
    { ms: 60, rolloutMs: 10, scoreMs: 20, trainMs: 30 },
    { ms: 90, rolloutMs: 20, scoreMs: 30, trainMs: 40 },
    { ms: 70, rolloutMs: 15, scoreMs: 25, trainMs: 30 },
  ],
  kernels: [
    { name: 'matrix_product', variant: 'TALL=1', dispatches: 9, ms: 4, gflops: 4, bytesPerSecond: 1e9 },
    { name: 'gelu', variant: '', dispatches: 2, ms: 1, gflops: null, bytesPerSecond: 2e9 },
  ],
  matrixProductPeak: { size: 512, gflops: 8 },
  sweep: [{ what: 'width', points: [{ x: 64, ms: 5, gflops: 2 }], exponent: 1.5, flopsExponent: 1.8 }],
  halfPrecisionRan: false,
  failed: {},
});

const report = reportOf(measurements(), 139_008);

describe('reportOf', () => {
  it('gives the median over the rounds', () => {
    expect(report.trainStep.nudge?.ms).toBe(20);
    expect(report.trainStep.nudge?.encodeMs).toBe(0.3);
    expect(report.ppoUpdate?.ms).toBe(70);
  });

  it('gives a ratio above 1 where we are faster', () => {
    expect(report.ratios.trainStep).toEqual({ tfjs: 15 });
    expect(report.ratios.encode.tfjs).toBeCloseTo(100);
    expect(report.ratios.decode.tfjs).toBeCloseTo(80);
    expect(report.ratios.decodeBatch32.tfjs).toBeCloseTo(640);
  });

  it('turns time into GFLOP/s of the operations that it states', () => {
    expect(report.trainStep.nudge?.gflops).toBeCloseTo(report.flops.trainStep / 0.02 / 1e9);
    expect(report.matrixProductPeak?.shareOfTrainStep).toBeCloseTo((report.trainStep.nudge?.gflops ?? 0) / 8);
  });

  it('gives each kernel the share of the best rate that it comes nearest to', () => {
    expect(report.kernels.map(({ share }) => share)).toEqual([0.5, 1]);
  });

  it('has the keys that readers of the JSON rely on', () => {
    const numbers = (record: object | undefined): string[] =>
      Object.entries(record ?? {}).flatMap(([key, value]) => (typeof value === 'number' ? [key] : []));
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['adapter', 'model', 'batch', 'trainStep', 'decode', 'ppoUpdate', 'kernels', 'ratios']),
    );
    expect(numbers(report.trainStep.tfjs)).toEqual(
      expect.arrayContaining(['ms', 'encodeMs', 'dispatches', 'passes', 'submits', 'bindGroupsCreated', 'gflops']),
    );
    expect(numbers(report.decode.tfjs)).toEqual(expect.arrayContaining(['tokensPerSecond', 'tokensPerSecondBatch32']));
    expect(numbers(report.ppoUpdate ?? {})).toEqual(expect.arrayContaining(['ms', 'rolloutMs', 'scoreMs', 'trainMs']));
    expect(Object.keys(report.kernels[0] ?? {})).toEqual(
      expect.arrayContaining(['name', 'variant', 'ms', 'gflops', 'bytesPerSecond']),
    );
    expect(Object.keys(report.ratios)).toEqual(expect.arrayContaining(['trainStep', 'encode', 'decode']));
  });
});

describe('brokenTrainings', () => {
  const withLosses = (first: number, last: number): string[] => {
    const trainStep = { ...report.trainStep, tfjs: { ...report.trainStep.tfjs!, loss: { first, last, steps: 2 } } };
    return brokenTrainings({ trainStep, model: report.model });
  };

  it('accepts a loss that starts near ln V and falls', () => {
    expect(brokenTrainings(report)).toEqual([]);
  });

  it('names a loss that starts elsewhere, one that does not fall, and one that is no number', () => {
    expect(withLosses(0.44, 0.1)[0]).toContain('tfjs');
    expect(withLosses(6.24, 6.24)).toHaveLength(1);
    expect(withLosses(6.3, 4)[0]).toContain('6.240');
    expect(withLosses(6.24, Number.NaN)).toHaveLength(1);
  });
});

describe('withMeasured', () => {
  const run = { date: '2026-01-02', command: 'npm run bench -- --markdown' };

  it('says the adapter, the date, the command and every figure of the tables', () => {
    const page = withMeasured('# Benchmarks\n', report, run);
    for (const words of ['a GPU', run.date, run.command, reportTables(report)]) expect(page).toContain(words);
  });

  it('says whether float16 ran where it was allowed, and else says nothing of it', () => {
    const words = (f16: { allowed: boolean; ran: boolean }, features: string[] = []): string =>
      reportTables({ ...report, f16, features });
    expect(words({ allowed: false, ran: false })).not.toMatch(/float16/i);
    expect(words({ allowed: true, ran: true })).toContain('Products of ours keep operands in float16.');
    expect(words({ allowed: true, ran: false })).toContain('did not run: the adapter has no shader-f16.');
    expect(words({ allowed: true, ran: false }, ['shader-f16'])).toContain('did not run: no product took it.');
    expect(reportOf({ ...measurements(), halfPrecisionRan: true }, 1).f16).toEqual({ allowed: false, ran: true });
    const page = withMeasured('', { ...report, f16: { allowed: true, ran: true } }, run);
    expect(withMeasured(page, report, run).match(/measured: begin/g)).toHaveLength(2);
  });

  it('replaces what it wrote before of the same preset and adapter, and leaves the rest', () => {
    const first = withMeasured('# Benchmarks\n\nBy hand.\n', report, run);
    const other = withMeasured(first, { ...report, preset: 'mini' }, run);
    const again = withMeasured(other, report, { ...run, date: '2026-03-04' });
    expect(again).toContain('By hand.');
    expect(again.match(/2026-01-02/g)).toHaveLength(1);
    expect(again.match(/2026-03-04/g)).toHaveLength(1);
    expect(again.match(/measured: begin/g)).toHaveLength(2);
  });
});
