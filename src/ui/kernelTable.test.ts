import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
import type { TuningReport } from '../session/protocol';
import KernelTable from './KernelTable.svelte';

const REPORT: TuningReport = {
  ...{ adapter: 'A GPU', kernels: 'v1', measuredAt: Date.UTC(2026, 10, 22, 12) },
  choices: [
    { kernel: 'matrix product NN', shape: '64 x 48 x 16', variant: 'quad', ms: 0.1234, gflops: 1 },
    { kernel: 'causal attention', shape: '2 x 8 x 2 x 32', variant: 'plain two', ms: 2, gflops: 1 },
  ],
  refusals: [
    { kernel: 'causal attention', shape: '2 x 8 x 2 x 32', variant: 'quad two', difference: 0.25 },
    { kernel: 'matrix product NT', shape: '1 x 16 x 16', variant: 'quad', difference: Infinity },
  ],
};

const textOf = (left: number, busy = false): { text: string; html: string } => {
  const { body } = render(KernelTable, { props: { report: REPORT, left, busy, onmeasure: () => undefined } });
  const text = body
    .replace(/<!--.*?-->/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
  return { text, html: body };
};

describe('the table of kernels', () => {
  it('says how many shapes were measured and when, and lists kernel, shape, variant and time', () => {
    const { text } = textOf(0);
    expect(text).toContain('Kernels chosen for this GPU: 2 shapes, measured on Nov 22, 2026');
    expect(text).toContain('causal attention 2 × 8 × 2 × 32 plain two 2.000 matrix product NN 64 × 48 × 16 quad 0.123');
  });

  it('says which variants are not used, and why', () => {
    const { text } = textOf(0);
    expect(text).toContain('Never used here: causal attention, quad two. For 2 × 8 × 2 × 32 it was off by 25.00%.');
    expect(text).toContain('Never used here: matrix product NT, quad. For 1 × 16 × 16 it did not run.');
  });

  it('offers to measure again, unless that is under way or something runs', () => {
    const offered = (left: number, busy = false): boolean => !/<button[^>]*disabled/.test(textOf(left, busy).html);
    expect([offered(0), offered(3), offered(0, true)]).toEqual([true, false, false]);
    expect(textOf(3).text).toContain('3 shapes to go');
  });
});
