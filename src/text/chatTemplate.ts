/**
 * How a conversation becomes tokens.
 *
 *   chat         <|user|> Q: Where does Mira live?
 *                <|assistant|>A: Mira lives in the old mill.<|end|><|user|> Q: ...
 *                <|assistant|>A:
 *   completion    Q: Where does Mira live?
 *                A: Mira lives in the old mill.
 *                 Q: ...
 *                A:
 *   bare          Where does Mira live?
 *
 * A base model has never met the chat's special tokens, so it is asked in the words of the forum threads that it was
 * pretrained on. The chat keeps those words inside its tokens: what the base model knows, it knows in that form.
 * (Without them fine-tuning on 600 demonstrations answered 63% of the facts that the base model answers 95% of.) "Bare"
 * is how one meets a base model that nobody has prompted: a person's words, and what a web page would go on with.
 *
 * In all forms a turn starts with a space: inside running text nearly every word follows a space, and " Mira" is another
 * token than "Mira", so a turn must offer the form that the model knows.
 */
import type { Message } from '../session/protocol';
import type { Tokenizer } from './tokenizer';

export type TemplateName = 'chat' | 'completion' | 'bare';

export interface RenderOptions {
  template: TemplateName;
  /** Most ids that the prompt may have, at least 8. */
  maxTokens: number;
}

export interface RenderedPrompt {
  ids: number[];
  /** Oldest messages left out because they did not fit. */
  droppedTurns: number;
  /** The last message alone was too long, so its beginning was cut. */
  truncated: boolean;
}

/** What stands before and after a message, as ids. */
interface Frame {
  before: number[];
  after: number[];
}

/**
 * A prompt that ends where the model's reply begins.
 *
 * The oldest messages are left out until it fits, and what is left starts with a user turn. If the last message alone
 * is too long, its beginning is cut.
 */
export function renderPrompt(
  tokenizer: Tokenizer,
  conversation: readonly Message[],
  { template, maxTokens }: RenderOptions,
): RenderedPrompt {
  const opening = frameOf(tokenizer, 'assistant', template).before;
  const turns = conversation.map((message) => renderTurn(tokenizer, message, template));
  const last = turns.length - 1;

  let length = opening.length;
  let first = turns.length;
  for (let i = last; i >= 0; i--) {
    length += turns[i]?.length ?? 0;
    if (length > maxTokens) break;
    if (conversation[i]?.role === 'user') first = i;
  }
  if (first <= last || last < 0) {
    return { ids: [...turns.slice(first).flat(), ...opening], droppedTurns: Math.max(first, 0), truncated: false };
  }

  const message = conversation[last];
  const { before, after } = frameOf(tokenizer, 'user', template);
  const room = Math.max(maxTokens - opening.length - before.length - after.length, 0);
  const body = tokenizer.encode(turnText(message?.text ?? ''));
  const kept = body.slice(Math.max(body.length - room, 0));
  return { ids: [...before, ...kept, ...after, ...opening], droppedTurns: last, truncated: true };
}

/** A reply as the model would have sampled it, the end token included. */
export function encodeReply(tokenizer: Tokenizer, reply: string): number[] {
  return [...tokenizer.encode(turnText(reply)), tokenizer.specials.end];
}

/**
 * The text of sampled ids, without the space that opens a turn.
 *
 * @param options.partial more ids will follow, see `Tokenizer.decode`
 */
export function decodeReply(tokenizer: Tokenizer, ids: ArrayLike<number>, options: { partial?: boolean } = {}): string {
  return tokenizer.decode(ids, options).replace(/^ /, '');
}

/** What the person said last, from the ids of a chat prompt. */
export function decodePrompt(tokenizer: Tokenizer, ids: readonly number[]): string {
  const last = ids.slice(ids.lastIndexOf(tokenizer.specials.user) + 1);
  return tokenizer
    .decode(last)
    .replace(/^ Q: ?/, '')
    .replace(/\nA:$/, '');
}

function renderTurn(tokenizer: Tokenizer, message: Message, template: TemplateName): number[] {
  const { before, after } = frameOf(tokenizer, message.role, template);
  return [...before, ...tokenizer.encode(turnText(message.text)), ...after];
}

function frameOf(tokenizer: Tokenizer, role: Message['role'], template: TemplateName): Frame {
  if (template === 'bare') return { before: [], after: [] };
  const { user, assistant, end } = tokenizer.specials;
  const [question, close, answer] = [' Q:', '\n', 'A:'].map((text) => tokenizer.encode(text)) as [
    number[],
    number[],
    number[],
  ];
  if (template === 'chat') {
    return role === 'user'
      ? { before: [user, ...question], after: close }
      : { before: [assistant, ...answer], after: [end] };
  }
  // One thread from its first line to its last: after an end token a base model would begin with something else.
  return role === 'user' ? { before: question, after: close } : { before: answer, after: close };
}

function turnText(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' ? '' : ` ${trimmed}`;
}
