import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** How many of the events are drawn. */
const EVENTS = 12;
const COLUMNS = 94;
const LINE = 19;
const CHARACTER = 7.85;

const STYLE = `
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
    rect { fill: #f6f8fa; stroke: #d1d9e0 }
    .failed { fill: #cf222e }
    .prompt { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      rect { fill: #0d1117; stroke: #3d444d }
      .failed { fill: #f85149 }
      .prompt { fill: #4493f8 }
    }
  `;

/** Draws the lines of a terminal, with the colors that the reader's system asks for. */
function toSvg(lines: readonly string[]): string {
  const [width, height] = [Math.ceil(COLUMNS * CHARACTER) + 32, lines.length * LINE + 28];
  const texts = lines.map(
    (line, i) => `  <text xml:space="preserve" x="16" y="${30 + i * LINE}"${classOf(line)}>${escaped(line)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="npm start">`,
    `  <style>${STYLE}</style>`,
    `  <rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...texts,
    '</svg>\n',
  ].join('\n');
}

function classOf(line: string): string {
  if (line.startsWith('$')) return ' class="prompt"';
  return line.includes('Job Failed') ? ' class="failed"' : '';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** The output of `npm start`, with its first events only. */
function excerpt(output: string): string[] {
  const [, printed = ''] = /^(Runs .*)/ms.exec(output.trimEnd()) ?? [];
  const lines = printed.split('\n').flatMap(wrap);
  const first = lines.findIndex((line) => /^ {2}(Job|Queue) /.test(line));
  const last = lines.findLastIndex((line) => /^ {2}(Job|Queue) /.test(line));
  return ['$ npm start', ...lines.slice(0, first + EVENTS), '  …', ...lines.slice(last + 1)];
}

/** As a terminal does, but between words. */
function wrap(line: string): readonly string[] {
  return line.length <= COLUMNS ? [line] : (line.match(new RegExp(`.{1,${COLUMNS}}(?: |$)`, 'g')) ?? []);
}

const { stdout } = await promisify(execFile)('npm', ['start'], { cwd: ROOT });
await writeFile(new URL('images/start.svg', import.meta.url), toSvg(excerpt(stdout)));
