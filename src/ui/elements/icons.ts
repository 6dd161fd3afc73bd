/** Paths of the line icons, on a 16 by 16 grid. */
export const ICONS = {
  up: 'M8 13V3M4 7l4-4l4 4',
  down: 'M8 3v10M4 9l4 4l4-4',
  tie: 'M3.5 6h9M3.5 10h9',
  edit: 'M3 13l.7-3L11 2.7l2.3 2.3L6 12.3z',
  flag: 'M4 14V2.5M4 3h8.5l-2 3l2 3H4',
  thumbUp: 'M5 7.5v6H2.5v-6zM5 7.5l2.6-5c1 0 1.9.8 1.9 1.8V7h3c.8 0 1.3.7 1.1 1.4l-1 4c-.2.7-.6 1.1-1.3 1.1H5',
  thumbDown: 'M5 8.5v-6H2.5v6zM5 8.5l2.6 5c1 0 1.9-.8 1.9-1.8V9h3c.8 0 1.3-.7 1.1-1.4l-1-4c-.2-.7-.6-1.1-1.3-1.1H5',
  muchBetter: 'M3.5 4l4 4l-4 4M8.5 4l4 4l-4 4',
  handle: 'M6 4v.01M10 4v.01M6 8v.01M10 8v.01M6 12v.01M10 12v.01',
  close: 'M4 4l8 8M12 4l-8 8',
  dice: 'M3 3h10v10H3zM6 6v.01M10 10v.01M8 8v.01',
  more: 'M3 8v.01M8 8v.01M13 8v.01',
  loop: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.6h-2.6',
  chevron: 'M4 6l4 4l4-4',
  pause: 'M6 3.5v9M10 3.5v9',
  play: 'M5 3.5l7 4.5l-7 4.5z',
  step: 'M4 3.5l6 4.5l-6 4.5zM12.5 3.5v9',
  stop: 'M4 4h8v8H4z',
  undo: 'M6 3L3 6l3 3M3 6h6.5a3.5 3.5 0 0 1 0 7H7',
} as const;

export type IconName = keyof typeof ICONS;
