import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An authority that a test makes, and the files of what it signed. */
export interface Authority {
  /** Its own certificate, as PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** Signs a certificate for names such as `DNS:localhost,IP:127.0.0.1`. */
  sign(names: string, days?: number): { readonly cert: string; readonly key: string };
}

/** Makes an authority whose files are gone when the test ends. */
export function ownAuthority(): Authority {
  const directory = mkdtempSync(join(tmpdir(), 'bullbridge-ca-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', '/CN=bullbridge test');
  let signed = 0;
  return {
    ca: readFileSync(file('ca.pem'), 'utf8'),
    caFile: file('ca.pem'),
    sign(names, days = 2) {
      signed += 1;
      const [key, request, cert] = ['key', 'csr', 'pem'].map((ending) => file(`${signed}.${ending}`)) as [
        string,
        string,
        string,
      ];
      writeFileSync(file('names'), `subjectAltName=${names}`);
      openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', '/CN=redis');
      const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
      openssl('x509', '-req', '-in', request, ...by, '-days', `${days}`, '-extfile', file('names'), '-out', cert);
      return { cert, key };
    },
  };
}
