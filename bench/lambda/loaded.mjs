// Stands between the runtime and the bundle: loads the bundle, and says how long the process has run by then.
const [, , , bundle] = process.argv;

export const { handler } = await import(bundle);

process.send({ init: performance.now() });
