/** How far a long command is, and how long it will take yet. */

/** Something is said this often, and in a long run ever less often: whenever so large a share of the time has passed. */
const SAY_EVERY_SECONDS = 5;
const SAY_EVERY_SHARE = 0.03;

export class Progress {
  readonly #total: number;
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  readonly #started: number;
  #done = 0;
  #said = -Infinity;

  /**
   * @param total pieces of work of about the same length
   * @param now in milliseconds
   */
  constructor(total: number, say: (line: string) => void = console.error, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#say = say;
    this.#now = now;
    this.#started = now();
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (this.#now() - this.#started) / 1000;
  }

  /** One more piece, or several, are done. */
  advance(what: string, pieces = 1): void {
    this.#done += pieces;
    const seconds = this.seconds;
    const pause = Math.max(SAY_EVERY_SECONDS, SAY_EVERY_SHARE * seconds);
    if (seconds - this.#said < pause && this.#done < this.#total) return;
    this.#said = seconds;
    const share = Math.min(1, this.#done / this.#total);
    const left = seconds / share - seconds;
    this.#say(`${(100 * share).toFixed(0).padStart(3)}%  ${what}  ${duration(seconds)} so far, ${duration(left)} left`);
  }
}

/** "45 s", "12 min", "3.1 h" */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
