/**
 * Every failure that a person can meet, one class a cause.
 *
 * A message says what was expected and what came; `remedy` says what to do. Both are plain sentences that the page
 * shows as they are. `code` is stable, for tests and for the page to decide what to offer.
 */
export type ErrorCode =
  | 'bad-checkpoint'
  | 'bad-import'
  | 'bad-input'
  | 'bad-tokenizer'
  | 'cancelled'
  | 'capture'
  | 'device-lost'
  | 'gpu-validation'
  | 'internal'
  | 'kernel'
  | 'no-backend'
  | 'non-finite'
  | 'ratio-not-one'
  | 'reward-function'
  | 'run-conflict'
  | 'shape'
  | 'storage-full'
  | 'storage-unavailable';

export class NudgeError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** A checkpoint file that cannot be used: truncated, of another shape, or with numbers that are not finite. */
export class CheckpointError extends NudgeError {
  constructor(message: string, remedy = 'Choose another file; the model in use is unchanged.') {
    super('bad-checkpoint', message, remedy);
  }
}

/** A file that is not in the format that was asked for. */
export class ImportError extends NudgeError {
  constructor(message: string, remedy = 'Choose another file; nothing was changed.') {
    super('bad-import', message, remedy);
  }
}

/** Something that a person or a caller passed in cannot be used. */
export class InputError extends NudgeError {
  constructor(message: string, remedy: string) {
    super('bad-input', message, remedy);
  }
}

/** A tokenizer.json that our byte-level BPE cannot read. */
export class TokenizerError extends NudgeError {
  constructor(message: string, remedy = 'Use a byte-level BPE tokenizer.json, as Hugging Face writes it.') {
    super('bad-tokenizer', message, remedy);
  }
}

/** The person stopped this piece of work. */
export class CancelledError extends NudgeError {
  constructor(what: string) {
    super('cancelled', `${what} was stopped.`, 'Start it again when you like; what was done so far is kept.');
  }
}

/** The browser took the GPU away. */
export class DeviceLostError extends NudgeError {
  constructor(reason: string) {
    super(
      'device-lost',
      `The GPU went away: ${reason}.`,
      'Nudge asks for it again and goes on from the last good weights.',
    );
  }
}

/** The GPU refused a command; the message names the kernel. */
export class GpuValidationError extends NudgeError {
  constructor(message: string) {
    super(
      'gpu-validation',
      message,
      'Reload the page; if it happens again, choose the WASM backend in the status line.',
    );
  }
}

/** A kernel was called in a way that its shader cannot serve. */
export class KernelError extends NudgeError {
  constructor(kernel: string, message: string) {
    super('kernel', `${kernel}: ${message}`, 'This is a mistake in Nudge; please report it with this message.');
  }
}

/** A training step did what a recorded step cannot do again. */
export class CaptureError extends NudgeError {
  constructor(step: string, what: string, lastKernel: string) {
    super(
      'capture',
      `The step "${step}" cannot be recorded: ${what}, after ${lastKernel}.`,
      'This is a mistake in Nudge; please report it with this message.',
    );
  }
}

/** Tensors whose shapes do not fit together. */
export class ShapeError extends NudgeError {
  constructor(op: string, expected: string, came: string) {
    super(
      'shape',
      `${op}: expected ${expected}, got ${came}.`,
      'This is a mistake in Nudge; please report it with this message.',
    );
  }
}

/** The asked-for backend cannot start here. */
export class BackendError extends NudgeError {
  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super('no-backend', message, remedy, options);
  }
}

/** What can be wrong with a reward function that a person wrote. */
export type RewardFault = 'syntax' | 'missing' | 'threw' | 'time' | 'result' | 'flood' | 'start';

const REWARD_FAULTS: Record<RewardFault, { words: string; remedy: string }> = {
  syntax: { words: 'cannot be read', remedy: 'Mend the line that is named.' },
  missing: {
    words: 'is not there',
    remedy:
      'Write function reward(prompt, reply) { … } that returns a number, or function rewards(items) { … } that returns as many numbers as it is given items.',
  },
  threw: { words: 'failed', remedy: 'Try it on some replies, and mend what fails.' },
  time: { words: 'took too long and was ended', remedy: 'Look for a loop that does not end, or score with less work.' },
  result: { words: 'gave back what is no score', remedy: 'Return one finite number for each reply.' },
  flood: { words: 'sent messages of its own and was ended', remedy: 'Return the score; do not call postMessage.' },
  start: { words: 'could not be started', remedy: 'Reload the page; if it happens again, use another browser.' },
};

/** A reward function that a person wrote did not do what it should. */
export class RewardFunctionError extends NudgeError {
  readonly fault: RewardFault;

  /** @param came what happened, or what came instead of `expected` */
  constructor(fault: RewardFault, expected: string, came = '') {
    const { words, remedy } = REWARD_FAULTS[fault];
    const detail = came ? `expected ${expected}, got ${came}` : expected;
    super('reward-function', `Your reward function ${words}${detail ? `: ${detail}` : ''}.`, remedy);
    this.fault = fault;
  }
}

/** A loss or a weight stopped being a number. */
export class NonFiniteError extends NudgeError {
  constructor(what: string, step: number) {
    super(
      'non-finite',
      `${what} was not a finite number at step ${step}.`,
      'Training stopped and the last good weights are back. Try a lower learning rate.',
    );
  }
}

/** The first minibatch of a PPO update must see the policy that sampled: every ratio is 1. */
export class RatioError extends NudgeError {
  constructor(deviation: number, update: number) {
    super(
      'ratio-not-one',
      `On the first minibatch of update ${update} a probability ratio was off 1 by ${deviation.toExponential(2)}; at most 1e-4 is allowed.`,
      'The policy that samples and the one that trains disagree. The last good weights are back; please report this.',
    );
  }
}

/** Another run, or another tab, is training. */
export class RunConflictError extends NudgeError {
  constructor(message: string, remedy = 'Wait for it to finish, or stop it first.') {
    super('run-conflict', message, remedy);
  }
}

/** The browser gives no more room for what is to be stored. */
export class StorageFullError extends NudgeError {
  constructor(options?: ErrorOptions) {
    super(
      'storage-full',
      'Expected room to store your work, but the browser says that its storage is full.',
      'Everything goes on in this tab, unsaved. Free some disk space or delete old runs; Nudge then saves by itself.',
      options,
    );
  }
}

/** The browser's storage cannot be used: switched off, held by another version, or broken. */
export class StorageUnavailableError extends NudgeError {
  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super('storage-unavailable', message, remedy, options);
  }
}

/** What goes through `postMessage` instead of an Error: name, code, message and stack survive. */
export interface PlainError {
  name: string;
  code: ErrorCode;
  message: string;
  remedy: string;
  stack: string;
}

const GENERIC_REMEDY = 'Reload the page. Everything you ranked is stored; please report this message if it comes back.';

export function toPlainError(error: unknown): PlainError {
  if (error instanceof NudgeError) {
    return {
      name: error.name,
      code: error.code,
      message: error.message,
      remedy: error.remedy,
      stack: error.stack ?? '',
    };
  }
  if (error instanceof Error) {
    return {
      name: error.name,
      code: 'internal',
      message: error.message,
      remedy: GENERIC_REMEDY,
      stack: error.stack ?? '',
    };
  }
  return { name: 'Error', code: 'internal', message: String(error), remedy: GENERIC_REMEDY, stack: '' };
}

/** An error that happened in the worker, with the worker's own stack. */
export class RemoteError extends NudgeError {
  constructor(plain: PlainError) {
    super(plain.code, plain.message, plain.remedy);
    this.name = plain.name;
    this.stack = plain.stack;
  }
}
