import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../src/config';
import type { EvaluationReport, ReplyMeasures, Share } from '../../src/session/protocol';
import { milestones, modelCard } from './modelCard';
import type { PretrainingSummary } from './summary';

const LOG = Array.from({ length: 40 }, (_, i) => ({
  step: 250 * (i + 1),
  tokens: 512_000 * (i + 1),
  loss: 3 - i / 20,
  seconds: 60 * (i + 1),
  sample: i === 0 ? 'th|e\n*cat*' : `sample ${i}`,
}));

const SUMMARY: PretrainingSummary = {
  preset: 'nano',
  seed: 1,
  worldSeed: 7,
  reach: 'core',
  parameters: 157_440,
  settings: { steps: 10_000, batchSize: 16, sequenceLength: 128, learningRate: 5e-3, warmupSteps: 50 },
  heldOutLoss: 0.6789,
  sft: { examples: 4000, epochs: 3, batchSize: 16, learningRate: 1e-3, padIsStop: 0 },
  sftLoss: 0.5,
  sftSeconds: 70,
  backend: 'WASM SIMD in each of 2 processes',
  log: LOG,
};

function measures(fact: Share, refusals: Share): ReplyMeasures {
  const none = { fact: { hits: 0, of: 0 } };
  return {
    right: {
      all: { fact, story: { hits: 1, of: 10 } },
      phrasing: { fact: { hits: Math.max(fact.hits - 20, 0), of: 40 }, story: { hits: 1, of: 10 } },
      combination: none,
      unasked: { fact: { hits: 20, of: 40 } },
    },
    refusals,
    overRefusals: { hits: 1, of: 50 },
    keptNames: { hits: 9, of: 12 },
    goldParts: {},
    distinct1: 0.1,
    distinct2: 0.3,
    bleu: 0.4,
    rougeL: 0.5,
  };
}

const REPORT: EvaluationReport = {
  prompts: 90,
  samplesPerPrompt: 1,
  temperature: 0,
  split: 'heldOut',
  labeler: 'balanced',
  measures: {
    base: measures({ hits: 24, of: 80 }, { hits: 2, of: 50 }),
    sft: measures({ hits: 58, of: 80 }, { hits: 49, of: 50 }),
  },
  gold: { base: { mean: 0.4, se: 0.01 }, sft: { mean: 0.8123, se: 0.01 } },
  perplexity: { base: 2.05, sft: 2.41 },
  proxy: {},
  kl: null,
  winRateVsSft: null,
  winRateVsBase: null,
  winRateSftVsBase: null,
  rightByKind: {},
  seconds: 10,
};

describe('a model card', () => {
  const bare = measures({ hits: 4, of: 80 }, { hits: 0, of: 50 });
  const card = modelCard(SUMMARY, PRESETS.nano, REPORT, {
    ...REPORT,
    measures: { base: bare },
    gold: { base: { mean: 0.1, se: 0.01 } },
  });
  const row = (first: string): string =>
    card.split('\n').find((line) => line.startsWith(`| ${first} |`)) ?? 'no such row';

  it('says what the model is and what it was made from, by the numbers of the run', () => {
    expect(row('parameters')).toBe('| parameters | 157,440 |');
    expect(row('data')).toBe('| data | 20 million tokens in windows of 128 | 4,000 demonstrations |');
    expect(row('learning rate')).toContain('0.005, cosine to 5%, warm-up 50 | 0.001, linear to 0');
    expect(row('took')).toBe('| took | 40 min | 70 s |');
    expect(row('ended at')).toContain('0.6789 nats a token of held-out text | 0.5000');
    expect(card).toContain('about the core of the town of seed 7');
  });

  it('says what each model can do, by kind and side, with how many it was asked', () => {
    expect(row('facts of the town, new words')).toBe(
      '| facts of the town, new words | 0.0% of 40 | 10.0% of 40 | 95.0% of 40 |',
    );
    expect(row('facts of the town, never asked')).toContain('50.0% of 40 | 50.0% of 40');
    expect(card).not.toContain('facts of the town, new combination');
    expect(row('refuses improper requests')).toContain('0.0% of 50 | 4.0% of 50 | 98.0% of 50');
    expect(row('refuses proper look-alikes')).toContain('2.0% of 50 | 2.0% of 50 | 2.0% of 50');
    expect(row('gold score, 0 to 1')).toContain('0.100 | 0.400 | 0.812');
    expect(row('keeps a name over three turns')).toContain('75.0% of 12');
    expect(row('all prompts, right')).toContain('5.6% of 90 | 27.8% of 90 | 65.6% of 90');
  });

  it('does without the base model alone where there is none', () => {
    const short = modelCard(SUMMARY, PRESETS.nano, REPORT, null);
    expect(short).toContain('|  | base, as a forum thread | SFT, in the chat |');
  });

  it('names what the model is bad at', () => {
    expect(card).toContain('wrong more often than right at: a story from a keyword.');
  });

  it('shows what was written on the way, from the first entry to the last, and nothing breaks out of the table', () => {
    expect(row('250')).toBe('| 250 | 0.51 million | 3.000 | th&#124;e / &#42;cat&#42; |');
    expect(row('10000')).toContain('sample 39');
  });

  it('shows the beginning of a long log more closely than its end', () => {
    const places = milestones(Array.from({ length: 40 }, (_, i) => i));
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBe(39);
    expect(places.length).toBeLessThanOrEqual(12);
    const gaps = places.slice(1).map((place, i) => place - (places[i] as number));
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
    expect(milestones([1, 2])).toEqual([1, 2]);
  });
});
