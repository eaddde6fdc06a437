import { styleText } from 'node:util';
import { cut, printable, widthOf } from './text-width.ts';

type Style = Parameters<typeof styleText>[0];

/** A piece of a line; its style is ignored if the output is not a terminal or `NO_COLOR` is set. */
export type Piece = string | { readonly text: string; readonly style: Style };

/** Prints lines and, in a terminal, a progress line below them. Control characters in texts are escaped. */
export interface Terminal {
  /** Columns of a line that does not wrap; infinite if the output is not a terminal. */
  readonly columns: number;
  /** Prints a line of any length. */
  line(...pieces: readonly Piece[]): void;
  /** Prints a line that is cut to the width of the terminal. */
  row(...pieces: readonly Piece[]): void;
  /** Replaces the progress line, or removes it with an empty text; ignored if the output is not a terminal. */
  progress(text: string): void;
  /** Prints lines in red to standard error. */
  fault(text: string): void;
}

interface Outputs {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

const ERASE_LINE = '\r\u001b[2K';

export function createTerminal({ stdout, stderr }: Outputs): Terminal {
  let shown = '';
  // Many terminals wrap a line that fills the last column. A terminal that does not know its width reports 0.
  const columns = () => (stdout.isTTY ? (stdout.columns || 80) - 1 : Number.POSITIVE_INFINITY);
  function progress(text: string): void {
    if (!stdout.isTTY || text === shown) return;
    shown = cut(printable(text), columns());
    stdout.write(ERASE_LINE + shown);
  }
  function print(output: NodeJS.WriteStream, pieces: readonly Piece[]): void {
    const below = shown;
    progress('');
    output.write(`${pieces.map((piece) => paint(piece, output)).join('')}\n`);
    progress(below);
  }
  return {
    get columns() {
      return columns();
    },
    line: (...pieces) => print(stdout, pieces),
    row(...pieces) {
      let left = columns();
      const fitting = pieces.map((piece) => {
        const text = cut(printable(textOf(piece)), left);
        left -= widthOf(text);
        return typeof piece === 'string' ? text : { ...piece, text };
      });
      print(stdout, fitting);
    },
    progress,
    fault(text) {
      for (const line of text.split('\n')) print(stderr, [{ text: line, style: 'red' }]);
    },
  };
}

function textOf(piece: Piece): string {
  return typeof piece === 'string' ? piece : piece.text;
}

function paint(piece: Piece, stream: NodeJS.WriteStream): string {
  const text = printable(textOf(piece));
  return typeof piece === 'string' ? text : styleText(piece.style, text, { stream });
}
