/** Dragging a row by its handle: only the handle takes the pointer, so that a thumb can still scroll over the text. */
import type { Attachment } from 'svelte/attachments';

export interface DragTarget {
  /** Rows in page order, the dragged one among them. */
  rows(): HTMLElement[];
  /** Called while dragging: pixels from where it began, and the place the row would get (0 is the top). */
  onmove(offset: number, place: number): void;
  /** Called once at the end; null when the drag was cancelled. */
  ondrop(place: number | null): void;
}

const START_DISTANCE = 4;

/** The place a row would get when its middle is at `middle`: how many of the other rows' middles lie above. */
export function placeAt(middle: number, others: readonly { top: number; bottom: number }[]): number {
  return others.filter((box) => (box.top + box.bottom) / 2 < middle).length;
}

export function dragToPlace(target: DragTarget): Attachment<HTMLElement> {
  return (handle) => {
    let drag: { pointer: number; startY: number; begun: boolean; place: number } | null = null;

    const end = (place: number | null): void => {
      if (drag?.begun) target.ondrop(place);
      drag = null;
    };
    const onpointerdown = (event: PointerEvent): void => {
      if (event.button !== 0) return;
      handle.setPointerCapture(event.pointerId);
      drag = { pointer: event.pointerId, startY: event.clientY, begun: false, place: 0 };
    };
    const onpointermove = (event: PointerEvent): void => {
      if (!drag || event.pointerId !== drag.pointer) return;
      const offset = event.clientY - drag.startY;
      if (!drag.begun && Math.abs(offset) < START_DISTANCE) return;
      drag.begun = true;
      const others = target.rows().filter((row) => !row.contains(handle));
      drag.place = placeAt(
        event.clientY,
        others.map((row) => row.getBoundingClientRect()),
      );
      target.onmove(offset, drag.place);
    };
    const onpointerup = (): void => end(drag?.place ?? null);
    const oncancel = (): void => end(null);
    const onkeydown = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && drag) end(null);
    };

    handle.addEventListener('pointerdown', onpointerdown);
    handle.addEventListener('pointermove', onpointermove);
    handle.addEventListener('pointerup', onpointerup);
    handle.addEventListener('pointercancel', oncancel);
    window.addEventListener('keydown', onkeydown);
    return () => {
      handle.removeEventListener('pointerdown', onpointerdown);
      handle.removeEventListener('pointermove', onpointermove);
      handle.removeEventListener('pointerup', onpointerup);
      handle.removeEventListener('pointercancel', oncancel);
      window.removeEventListener('keydown', onkeydown);
    };
  };
}
