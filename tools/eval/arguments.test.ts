import { describe, expect, it } from 'vitest';
import { readEvaluationArguments } from './arguments';

const HERE = import.meta.dirname;
const read = (...args: string[]) => readEvaluationArguments(['--models', HERE, ...args]);

describe('arguments of npm run eval', () => {
  it('are greedy, one sample, 600 prompts of all sides and the balanced labeler unless told otherwise', () => {
    expect(read()).toEqual({
      ...{ preset: 'mini', models: HERE, policy: null, prompts: 600, samples: 1, temperature: 0, seed: 0 },
      ...{ labeler: 'balanced', split: 'heldOut', backend: 'auto', json: null },
    });
  });

  it('are read as they are given', () => {
    expect(read('--prompts', 'all', '--temperature', '0.7', '--labeler', 'strict', '--split', 'unasked')).toMatchObject(
      {
        ...{ prompts: 'all', temperature: 0.7, labeler: 'strict', split: 'unasked' },
      },
    );
    expect(read('--per-kind', '64')).toMatchObject({ prompts: { perKind: 64 } });
  });

  it('give null where help is asked for', () => {
    expect(read('--help')).toBeNull();
  });

  it.each<[string[], RegExp]>([
    [['--preset', 'huge'], /Expected --preset to be one of nano, mini.*got "huge"/],
    [['--prompts', '2.5'], /Expected --prompts to be a whole number from 2 on, got "2.5"/],
    [['--prompts', ''], /got ""/],
    [['--prompts', '9', '--per-kind', '9'], /got both/],
    [['--samples', '0'], /Expected --samples/],
    [['--temperature', '-1'], /--temperature/],
    [['--temperature', 'hot'], /got "hot"/],
    [['--labeler', 'nobody'], /Expected --labeler to be one of balanced, factual, warm/],
    [['--split', 'train'], /Expected --split to be one of heldOut, phrasing, combination, unasked, got "train"/],
    [['--backend', 'cuda'], /Expected --backend/],
    [['--policy', '/nowhere/policy.safetensors'], /Expected --policy to be a safetensors file/],
    [['--models', '/nowhere'], /Expected --models to be a folder/],
    [['--json', '/nowhere/report.json'], /Expected --json to be a file in a folder that exists/],
    [['--colour'], /--colour/],
    [['stray'], /stray/],
  ])('that cannot be used say what was expected, what came and what to do: %j', (args, message) => {
    const attempt = (): unknown => read(...args);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'bad-input', remedy: expect.stringMatching(/\S/) as string }),
    );
  });
});
