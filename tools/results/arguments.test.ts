import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors';
import {
  instructionDataPlan,
  loopPlan,
  readResultsArguments,
  smallBeatsLargePlan,
  stepsHelpPlan,
  type ResultsOptions,
} from './arguments';

const options = (...args: string[]): ResultsOptions => readResultsArguments(args) as ResultsOptions;

describe('npm run results', () => {
  it('is planned as the published experiments, with the loop of the page, unless told otherwise', () => {
    const asked = options('small-beats-large');
    expect(asked).toMatchObject({ small: 'nano', large: 'midi', seeds: [0, 1, 2, 3, 4], quick: false });
    expect(asked.json).toBe('results/small-beats-large-nano-midi.json');
    expect(smallBeatsLargePlan(asked)).toMatchObject({ prompts: 300, samples: 2, temperature: 1 });
    expect(loopPlan(asked)).toMatchObject({ rankings: 300, labeler: 'balanced', settings: { ppo: { updates: 24 } } });
    expect(instructionDataPlan(options('instruction-data')).counts.slice(0, 4)).toEqual([30, 100, 300, 1000]);
    expect(options('ten-prompts').preset).toBe('mini');
  });

  it('tried out is small and stored nowhere', () => {
    const asked = options('steps-help', '--quick');
    expect([asked.json, asked.seeds]).toEqual([null, [0, 1]]);
    expect(stepsHelpPlan(asked).sft.examples).toBeLessThan(50);
    expect(options('steps-help', '--quick', '--json', 'x.json').json).toBe('x.json');
  });

  it('measures all methods, or only those that are named', () => {
    expect(options('methods').only).toContain('PPO');
    expect(options('methods', '--only', 'ILQL, best of n').only).toEqual(['ILQL', 'best of n']);
  });

  it.each([
    [['methods', '--only', 'PPO,SARSA'], /--only to be one of PPO, .*got "SARSA"/],
    [['random-walks', '--only', 'ILQL'], /--only with methods alone/],
    [['swim'], /the command to be one of small-beats-large/],
    [[], /the command/],
    [['steps-help', '--preset', 'giant'], /--preset to be one of nano/],
    [['steps-help', '--seeds', '0'], /--seeds to be a whole number from 1 on, got "0"/],
    [['small-beats-large', '--labeler', 'warm'], /--labeler to be one of balanced, factual/],
    [['ten-prompts', '--policy', 'nowhere.safetensors'], /got no such file/],
    [['policy'], /--out FILE/],
    [['report', '--colour', 'red'], /--colour/],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => readResultsArguments(args)).toThrow(InputError);
    expect(() => readResultsArguments(args)).toThrow(message);
  });

  it('asked for help gives no options', () => {
    expect(readResultsArguments(['--help'])).toBeNull();
  });
});
