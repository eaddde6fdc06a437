// undici has types for its whole only, of which a pool is a sixth.
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
