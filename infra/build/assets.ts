import { buildFunctions, printSizes } from './functions.ts';
import { buildSchemas } from './schemas.ts';

printSizes(await buildFunctions());
await buildSchemas();
