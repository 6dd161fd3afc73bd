/** Pulling the drawer's bar up or down with the finger; a plain tap stays a click. */
import type { Attachment } from 'svelte/attachments';

const PULL_DISTANCE = 24;

/** @param onpull called once a pull, with true for up */
export function pullUp(onpull: (up: boolean) => void): Attachment<HTMLElement> {
  return (bar) => {
    let startY: number | null = null;
    let pulled = false;
    const down = (event: PointerEvent): void => {
      startY = event.clientY;
      pulled = false;
      bar.setPointerCapture(event.pointerId);
    };
    const move = (event: PointerEvent): void => {
      if (startY === null || pulled || Math.abs(event.clientY - startY) < PULL_DISTANCE) return;
      pulled = true;
      onpull(event.clientY < startY);
    };
    const up = (): void => {
      startY = null;
    };
    // The click that ends a pull must not undo it.
    const click = (event: MouseEvent): void => {
      if (pulled) event.stopImmediatePropagation();
      pulled = false;
    };
    bar.addEventListener('pointerdown', down);
    bar.addEventListener('pointermove', move);
    bar.addEventListener('pointerup', up);
    bar.addEventListener('pointercancel', up);
    bar.addEventListener('click', click, { capture: true });
    return () => {
      bar.removeEventListener('pointerdown', down);
      bar.removeEventListener('pointermove', move);
      bar.removeEventListener('pointerup', up);
      bar.removeEventListener('pointercancel', up);
      bar.removeEventListener('click', click, { capture: true });
    };
  };
}
