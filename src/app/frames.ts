/**
 * Work that many events ask for, done once a frame, so that a fast run never blocks the page.
 *
 * A hidden page gets no frames; there a timer takes their place, so that nothing waits for the page to be seen.
 */
const HIDDEN_DELAY_MS = 250;

/** Returns a function that asks for `work` to be run soon; asking again before it ran changes nothing. */
export function oncePerFrame(work: () => void): () => void {
  let asked = false;
  const run = (): void => {
    asked = false;
    work();
  };
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(run, HIDDEN_DELAY_MS);
    else requestAnimationFrame(run);
  };
}

/** Asks for the work; it is done at once or a little later. */
export interface Throttled {
  (): void;
  /** Does now what was asked for and still waits; nothing where nothing does. */
  flush(): void;
}

/** Like `oncePerFrame`, at most every `milliseconds`; the last request is always served. */
export function throttled(work: () => void, milliseconds: number): Throttled {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let lastRun = -Infinity;
  const run = (): void => {
    timer = null;
    lastRun = performance.now();
    work();
  };
  const ask = (): void => {
    timer ??= setTimeout(run, Math.max(0, lastRun + milliseconds - performance.now()));
  };
  const flush = (): void => {
    if (timer === null) return;
    clearTimeout(timer);
    run();
  };
  return Object.assign(ask, { flush });
}
