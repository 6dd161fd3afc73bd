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

/** Like `oncePerFrame`, at most every `milliseconds`; the last request is always served. */
export function throttled(work: () => void, milliseconds: number): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let lastRun = -Infinity;
  return () => {
    if (timer !== null) return;
    timer = setTimeout(
      () => {
        timer = null;
        lastRun = performance.now();
        work();
      },
      Math.max(0, lastRun + milliseconds - performance.now()),
    );
  };
}
