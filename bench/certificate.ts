import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The files of a certificate for the loopback interface, which signed itself. */
export interface Certificate extends Disposable {
  readonly cert: string;
  readonly key: string;
}

/** Makes one with `openssl`; its files are gone when it is disposed of. */
export function makeCertificate(): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'bullbridge-bench-'));
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  const names = ['-subj', '/CN=bus', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...newKey, '-out', cert, ...names], { stdio: 'ignore' });
  return { cert, key, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
