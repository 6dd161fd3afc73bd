/** Telling a lost device from a mistake. */
import { NudgeError, type DeviceLostError } from '../errors';

/** How long a device that failed a call may take to say that it is lost. */
const PATIENCE_MILLISECONDS = 250;

/**
 * Why a call failed. A device that goes away fails whatever it was doing in words of its own ("Buffer was unmapped
 * before mapping was resolved"), often before it says that it is gone.
 *
 * @param lost resolves when the device that was in use is lost
 * @returns the loss of the device, or else the error itself
 */
export async function causeOf(error: unknown, lost: Promise<DeviceLostError>): Promise<unknown> {
  if (error instanceof NudgeError) return error;
  const patience = new Promise<unknown>((resolve) => setTimeout(() => resolve(error), PATIENCE_MILLISECONDS));
  return Promise.race([lost, patience]);
}
