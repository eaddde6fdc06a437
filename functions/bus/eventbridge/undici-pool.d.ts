// undici has types only for the whole package; the pool alone is a sixth of its code.
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
