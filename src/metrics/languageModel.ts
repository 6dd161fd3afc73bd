/** What pretraining and supervised fine-tuning report: both learn the next token; they differ in which tokens count. */
import { GRAD_NORM, LEARNING_RATE, type MetricInfo, watch, within } from './metric';

type LanguageModelKey = 'loss' | 'perplexity' | 'learning_rate' | 'grad_norm' | 'num_tokens';

/**
 * @param counted which tokens the loss is taken over
 * @param differs where other tools take other tokens
 */
const languageModel = (counted: string, differs: string | null): Record<LanguageModelKey, MetricInfo> => ({
  loss: {
    label: 'Loss',
    meaning: `Mean surprise at the right next token, over ${counted}.`,
    unit: 'nats a token',
    formula: `Mean over ${counted} in the batch of −log p(token | all before it).`,
    differs,
    healthy: watch('Falls fast, then slowly. It starts near the logarithm of the vocabulary for untrained weights.'),
  },
  perplexity: {
    label: 'Perplexity',
    meaning: 'Among how many equally likely tokens the model wavers: the exponential of the loss.',
    unit: 'tokens',
    formula: 'exp(loss), of the same batch.',
    differs: 'TRL reports loss, entropy and token accuracy, and no perplexity.',
    healthy: watch(
      'Falls from about the size of the vocabulary, for untrained weights, towards 2 for the small world that the shipped models learn.',
    ),
  },
  learning_rate: LEARNING_RATE,
  grad_norm: GRAD_NORM,
  num_tokens: {
    label: 'Tokens seen',
    meaning: 'Tokens that the loss was taken over since the run began.',
    unit: 'tokens',
    formula: `Sum over all steps so far of ${counted}.`,
    differs: null,
    healthy: watch('Only grows.'),
  },
});

export const PRETRAIN = languageModel('all tokens of the text', null);

export const SFT = {
  ...languageModel(
    'the reply’s tokens',
    'The same as TRL for prompts with completions; DeepSpeed-Chat takes the prompt’s tokens in as well.',
  ),
  'val/stopped': {
    label: 'Stopped replies',
    meaning: 'Share of some replies, sampled after the last step, that end with the stop token (ours).',
    unit: 'share',
    formula: 'Replies that end with the stop token ÷ replies sampled, to prompts of the training side.',
    differs: null,
    healthy: within(0.9, null, 'Nearly all. None: the stop token was masked as if it were padding.'),
  },
} satisfies Record<string, MetricInfo>;
