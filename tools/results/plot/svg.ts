/** SVG as text: elements, escaped, with numbers that are short and the same on every machine. */

export type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content: readonly string[] | string = []): string {
  const list = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escaped(value)}"`)
    .join('');
  const inner = typeof content === 'string' ? escaped(content) : content.join('\n');
  if (inner === '') return `<${name}${list}/>`;
  return `<${name}${list}>${typeof content === 'string' ? inner : `\n${inner}\n`}</${name}>`;
}

/** The whole picture; what it shows is also said in words, for those who do not see it. */
export function picture(width: number, height: number, title: string, content: readonly string[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${short(width)} ${short(height)}`,
    width,
    height,
    role: 'img',
    'font-family': 'system-ui, -apple-system, "Segoe UI", sans-serif',
    'font-size': 13,
    fill: INK,
  };
  return `${element('svg', attributes, [element('title', {}, title), ...content])}\n`;
}

/** Words and axes: as readable on white as on black. */
export const INK = '#7a7a7a';

const short = (value: number): string => String(Math.round(value * 100) / 100);

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
