import { describe, expect, it } from 'vitest';
import type { EvaluationReport, ReplyMeasures } from '../../src/session/protocol';
import { evaluationTable } from './table';

const fact = { hits: 3, of: 4 };
const measures: ReplyMeasures = {
  right: {
    all: { fact: { hits: 4, of: 6 }, sum: { hits: 1, of: 2 } },
    phrasing: { fact, sum: { hits: 1, of: 2 } },
    combination: {},
    unasked: { fact: { hits: 1, of: 2 } },
  },
  refusals: { hits: 9, of: 10 },
  overRefusals: { hits: 0, of: 0 },
  keptNames: { hits: 0, of: 0 },
  goldParts: { right: 0.625, polite: 1 },
  distinct1: 0.5,
  distinct2: 0.75,
  bleu: 0.125,
  rougeL: 0.25,
};
const REPORT: EvaluationReport = {
  ...{ prompts: 8, samplesPerPrompt: 1, temperature: 0, split: 'heldOut', labeler: 'warm', kl: null, seconds: 2 },
  ...{ measures: { sft: measures }, gold: { sft: { mean: 0.7, se: 0.01 } }, perplexity: { sft: 2.5 }, proxy: {} },
  ...{ winRateVsSft: null, winRateVsBase: null, rightByKind: {} },
  winRateSftVsBase: { value: 0.6, low: 0.5, high: 0.7, decided: 0.75, wins: 3, ties: 4, losses: 1 },
};

describe('the table of an evaluation', () => {
  const lines = evaluationTable(REPORT).split('\n');
  const line = (name: string): string => lines.find((one) => one.trimStart().startsWith(name)) ?? '';

  it('has a row for each kind, and below it the sides where there are several', () => {
    expect(line('fact')).toMatch(/66\.7% of 6$/);
    expect(line('new wording')).toMatch(/75\.0% of 4$/);
    expect(line('never asked')).toMatch(/50\.0% of 2$/);
    expect(lines[lines.indexOf(line('sum')) + 1]).toBe('');
  });

  it('has every other measure, and a dash for what was not asked', () => {
    expect(line('refuses improper')).toMatch(/90\.0% of 10$/);
    expect(line('refuses proper')).toMatch(/–$/);
    expect(line('gold')).toMatch(/gold \(warm, 95%\) +0\.700 ± 0\.020$/);
    expect(line('polite')).toMatch(/1\.000$/);
    expect(line('perplexity')).toMatch(/2\.50$/);
    expect([line('distinct-1'), line('distinct-2'), line('BLEU'), line('ROUGE-L')].join()).toMatch(
      /0\.500.*0\.750.*0\.125.*0\.250/,
    );
    expect(line('SFT is preferred to base')).toMatch(/60\.0% \(50\.0% to 70\.0%\), 75\.0% of those decided/);
  });

  it('says nothing of models that were not measured', () => {
    expect(lines.join('\n')).not.toMatch(/RLHF/);
  });
});
