// Loads the bundle for the runtime, and reports how long the process has run by then.
const [, , , bundle] = process.argv;

export const { handler } = await import(bundle);

process.send({ init: performance.now() });
