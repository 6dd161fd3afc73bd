/** Turns what browsers throw about storage into errors with a remedy. */
import { NudgeError, StorageFullError, StorageUnavailableError } from '../errors';

/** Chromium and Safari name it so; Firefox has an error of its own for a full disk. */
const FULL = new Set(['QuotaExceededError', 'NS_ERROR_FILE_NO_DEVICE_SPACE', 'NS_ERROR_DOM_QUOTA_REACHED']);

/** Faults of the caller's data: no storage would take them, so they are thrown and not hidden in memory. */
const FAULTS = new Set(['DataCloneError', 'DataError', 'TypeError', 'ConstraintError']);

/** The connection is gone though the database is not: iOS closes it in the background. */
const CLOSED = new Set(['InvalidStateError', 'TransactionInactiveError']);

function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : '';
}

export function isCallersFault(error: unknown): boolean {
  return FAULTS.has(nameOf(error));
}

export function isClosedConnection(error: unknown): boolean {
  return CLOSED.has(nameOf(error));
}

export function storageError(error: unknown): NudgeError {
  if (error instanceof NudgeError) return error;
  const name = nameOf(error);
  if (FULL.has(name)) return new StorageFullError({ cause: error });
  if (name === 'VersionError') {
    return new StorageUnavailableError(
      'Your stored work was made by a newer Nudge than this page.',
      'Reload the page to get the newer one. Until then this tab keeps everything in memory only.',
      { cause: error },
    );
  }
  const said = error instanceof Error && error.message !== '' ? `: ${error.message}` : '.';
  return new StorageUnavailableError(
    `Expected the browser to store your work, but it refused${said}`,
    'Everything goes on in this tab, unsaved. A private window or a setting may forbid storage; export what you need.',
    { cause: error },
  );
}
