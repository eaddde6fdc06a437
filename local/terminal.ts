import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Prints lines, with a progress line below them where a person watches. */
export interface Terminal {
  line(text?: string): void;
  /** Replaces the progress line, or removes it with an empty text; not shown where the output is no terminal. */
  progress(text: string): void;
  /** Colours a text, unless the output is no terminal or `NO_COLOR` is set. */
  paint(style: Style, text: string): string;
}

const ERASE_LINE = '\r\u001b[2K';

export function createTerminal(output: NodeJS.WriteStream): Terminal {
  let shown = '';
  const show = (text: string) => {
    if (!output.isTTY) return;
    // A terminal that does not know its width says 0.
    shown = text.slice(0, (output.columns || 80) - 1);
    output.write(ERASE_LINE + shown);
  };
  return {
    line(text = '') {
      const below = shown;
      if (below) output.write(ERASE_LINE);
      output.write(`${text}\n`);
      if (below) show(below);
    },
    progress: show,
    paint: (style, text) => styleText(style, text, { stream: output }),
  };
}
