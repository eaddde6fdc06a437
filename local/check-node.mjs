// Plain JavaScript, so that an old Node can run it and say what is missing instead of a syntax error.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `bullbridge needs Node 24 or newer, and this is ${process.version} (${process.execPath}). On Linux, \`npm ci\` brings ` +
      'its own: run the command through npm (`npm start`, `npm test`). Elsewhere install Node 24: https://nodejs.org/en/download',
  );
  process.exit(1);
}
