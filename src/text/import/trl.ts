/**
 * Reads rows of two of TRL's formats, each with texts or with lists of messages ("conversational"):
 *
 *   unpaired preference: {"prompt": ..., "completion": ..., "label": true}, a reply with a thumb up or down
 *   preference:          {"prompt": ..., "chosen": ..., "rejected": ...}, and "margin" where there is one
 *
 * TRL's guide "Dataset formats and types"; margins as in its RewardTrainer, where they are what the chosen reply must be
 * ahead by. Here a margin is what the one step between the two counts.
 */
import type { Message } from '../../session/protocol';
import { excerpt, kindOf, type Judged } from './row';

/** Largest margin that is taken for one. */
const MOST_MARGIN = 100;

/** Whether an object has a key that only TRL's formats have; HH-RLHF's has none of them. */
export function isTrlRow(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['prompt', 'completion', 'label'].some((key) => Object.hasOwn(value, key))
  );
}

/** One row as a ranking: of one reply with its thumb, or of two. Or what is wrong with it, as a sentence. */
export function readTrlRow(row: object): Judged | string {
  const field = (key: string): unknown => (Object.hasOwn(row, key) ? Reflect.get(row, key) : undefined);
  const unpaired = field('chosen') === undefined && field('rejected') === undefined;
  const keys = unpaired ? ['prompt', 'completion', 'label'] : ['prompt', 'chosen', 'rejected'];
  const missing = keys.find((key) => field(key) === undefined);
  if (missing) return `expected "${missing}", got the keys ${Object.keys(row).slice(0, 8).join(', ')}.`;
  const conversation = promptOf(field('prompt'));
  if (typeof conversation === 'string') return conversation;
  const replies: string[] = [];
  for (const key of unpaired ? ['completion'] : ['chosen', 'rejected']) {
    const reply = replyOf(key, field(key));
    if ('problem' in reply) return reply.problem;
    replies.push(reply.text);
  }
  if (unpaired) {
    const label = field('label');
    if (typeof label !== 'boolean') return `expected "label" to be true or false, got ${kindOf(label)}.`;
    return { conversation, replies, ranks: [1], thumbs: [label ? 'up' : 'down'] };
  }
  if (replies[0] === replies[1]) return 'expected two different replies, got the same one twice.';
  const margin = field('margin') ?? 1;
  if (typeof margin !== 'number' || !(margin >= 0 && margin <= MOST_MARGIN))
    return `expected "margin" to be a number from 0 to ${MOST_MARGIN}, got ${typeof margin === 'number' ? margin : kindOf(margin)}.`;
  return { conversation, replies, ranks: [1, 2], ...(margin !== 1 && { gaps: [margin] }) };
}

/** What was said to the model, its last turn a user's; or what is wrong. */
function promptOf(value: unknown): Message[] | string {
  const messages =
    typeof value === 'string' ? [{ role: 'user' as const, text: value.trim() }] : messagesOf('prompt', value);
  if (typeof messages === 'string') return messages;
  const last = messages.at(-1);
  if (last?.role !== 'user' || last.text === '')
    return `expected "prompt" to end with what a user says, got ${last ? excerpt(last.text) : 'an empty list'}.`;
  return messages;
}

/** The reply, which may be empty: a model can say nothing. */
function replyOf(key: string, value: unknown): { text: string } | { problem: string } {
  if (typeof value === 'string') return { text: value.trim() };
  const messages = messagesOf(key, value);
  if (typeof messages === 'string') return { problem: messages };
  const [only, ...more] = messages;
  if (only?.role !== 'assistant' || more.length > 0)
    return { problem: `expected "${key}" to be one message of the assistant, got ${messages.length} messages.` };
  return { text: only.text };
}

function messagesOf(key: string, value: unknown): Message[] | string {
  if (!Array.isArray(value)) return `expected "${key}" to be text or a list of messages, got ${kindOf(value)}.`;
  const messages: Message[] = [];
  for (const one of value as unknown[]) {
    const { role, content } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>;
    if (role !== 'user' && role !== 'assistant')
      return `expected the roles user and assistant in "${key}", got ${typeof role === 'string' ? excerpt(role) : kindOf(role)}.`;
    if (typeof content !== 'string') return `expected "content" in "${key}" to be text, got ${kindOf(content)}.`;
    messages.push({ role, text: content.trim() });
  }
  return messages;
}
