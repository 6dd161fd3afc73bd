/** Heavy pieces of a view, made one a frame, so that opening it never holds the page. */
const waiting: (() => void)[] = [];
let scheduled = false;

function schedule(): void {
  if (scheduled || waiting.length === 0) return;
  scheduled = true;
  requestAnimationFrame(() => {
    // After the frame is drawn, in a task of its own.
    setTimeout(() => {
      scheduled = false;
      waiting.shift()?.();
      schedule();
    });
  });
}

/** Runs `work` in its turn; the function that is returned takes it back if its turn has not come. */
export function inTurn(work: () => void): () => void {
  waiting.push(work);
  schedule();
  return () => {
    const at = waiting.indexOf(work);
    if (at >= 0) waiting.splice(at, 1);
  };
}
