/** Settings of pretraining, of SFT, and of the chat. */
import type { Settings } from '../config';
import { count, MEASURED, mistake, rate, type SettingInfo } from './setting';

export const PRETRAIN: Record<keyof Settings['pretrain'], SettingInfo> = {
  steps: count('Steps', 'optimiser steps', 'More steps teach more facts; sums come last.', 'steps', 100000, MEASURED),
  batchSize: count('Batch', 'batch size', 'Windows of text a step sees.', 'windows', 256, MEASURED),
  sequenceLength: count('Window', 'sequence length', 'Tokens in one window of text.', 'tokens', 256, MEASURED),
  learningRate: rate('lr', 'How far each step moves the weights.', MEASURED),
  warmupSteps: {
    label: 'Warm-up',
    term: 'warm-up steps',
    help: 'Steps over which the learning rate climbs from 0.',
    unit: 'steps',
    min: 0,
    max: 10000,
    integer: true,
    source: 'GPT-3, appendix B',
  },
};

export const SFT: Record<keyof Settings['sft'], SettingInfo> = {
  examples: count('Demonstrations', 'examples', 'Worked examples the model imitates.', 'examples', 100000, MEASURED),
  epochs: count('Passes', 'epochs', 'How often each example is seen.', 'epochs', 50, MEASURED),
  batchSize: count('Batch', 'batch size', 'Examples a step sees.', 'examples', 128, MEASURED),
  learningRate: rate(
    'lr',
    'How far each step moves the weights of nano; models twice as wide take half as much. Falls to 0 over the run.',
    MEASURED,
  ),
  padIsStop: mistake(
    'Stop taken for padding',
    'pad = eos',
    'The loss never sees the stop token, so replies never end.',
  ),
};

export const CHAT: Record<keyof Settings['chat'], SettingInfo> = {
  temperature: {
    label: 'Temperature',
    term: 'temperature',
    help: '0 always takes the likeliest word; higher is more varied.',
    unit: '',
    min: 0,
    max: 2,
    integer: false,
    source: '',
  },
  topK: {
    label: 'Top k',
    term: 'topK',
    help: 'Only the k likeliest words; 0 is off.',
    unit: '',
    min: 0,
    max: 1024,
    integer: true,
    source: '',
  },
  topP: {
    label: 'Top p',
    term: 'topP',
    help: 'Only the likeliest words that make up this share; 1 is off.',
    unit: '',
    min: 0.01,
    max: 1,
    integer: false,
    source: 'Holtzman et al. 2019',
  },
  maxNewTokens: count('Longest reply', 'R', 'Tokens after which a reply is cut.', 'tokens', 200, MEASURED),
};
