import { describe, expect, it } from 'vitest';
import type { ModelOffer } from '../session/protocol';
import { knowledgeOf, loadOf, meantFor } from './modelWords';

const offer = (changes: Partial<ModelOffer>): ModelOffer => ({
  ...{ preset: 'mini', parameters: 940_000, checkpointBytes: 1_880_000, shipped: true, reach: 'town', facts: 564 },
  ...changes,
});

describe('the sizes of model in words', () => {
  it('say what a model knows, or could learn where none comes with the page', () => {
    expect(knowledgeOf(offer({}))).toBe('Knows the whole town, 564 facts.');
    expect(knowledgeOf(offer({ reach: 'core', facts: 122 }))).toBe('Knows the core of the town, 122 facts.');
    expect(knowledgeOf(offer({ shipped: false }))).toMatch(/^Can learn/);
  });

  it('count both checkpoints, the second of which comes later', () => {
    expect(loadOf(offer({}))).toBe('Loads 1.9 MB to begin with, 3.8 MB in all.');
    expect(loadOf(offer({ shipped: false }))).toMatch(/pretrained here first/);
  });

  it('compare midi with nano by their parameters', () => {
    const offers = [offer({ preset: 'nano', parameters: 100 }), offer({ preset: 'midi', parameters: 1120 })];
    expect(meantFor('midi', offers)).toMatch(/^11 times as large as nano/);
    expect(meantFor('midi', [])).toMatch(/^Far larger/);
  });
});
