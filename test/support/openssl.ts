/** OpenSSL's command line as another maker and reader of keys and certificates. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder in which OpenSSL is run; it goes with the test. */
export class OpenSsl implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'natt-lab-openssl-'));

  /** What it printed; throws what it complained about. */
  run(...argv: readonly string[]): Buffer {
    const { status, stdout, stderr } = spawnSync('openssl', argv, { cwd: this.#folder, timeout: 20_000 });
    if (status !== 0) throw new Error(`openssl ${argv.join(' ')}: ${stderr.toString()}`);
    return stdout;
  }

  put(name: string, content: Uint8Array | string): void {
    writeFileSync(join(this.#folder, name), content);
  }

  get(name: string): Buffer {
    return readFileSync(join(this.#folder, name));
  }

  /** A certificate for a new key as DER, self-signed or issued by `ca`, its key and certificate in the files NAME.key and NAME.pem. */
  certificate(name: string, { subject, ca, extensions = [], days = 10, algorithm = 'rsa:2048' }: CertificateWish): Uint8Array {
    this.run(
      'req', '-x509', '-newkey', algorithm, ...(algorithm === 'ec' ? ['-pkeyopt', 'ec_paramgen_curve:P-256'] : []), '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`,
      '-subj', subject, '-days', String(days), '-utf8', ...(ca === undefined ? [] : ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`]), ...extensions.flatMap((extension) => ['-addext', extension]),
    );
    return new Uint8Array(this.run('x509', '-in', `${name}.pem`, '-outform', 'der'));
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

export interface CertificateWish {
  /** `/O=natt-lab/CN=client.example` */
  readonly subject: string;
  readonly ca?: string;
  /** `subjectAltName=DNS:client.example` */
  readonly extensions?: readonly string[];
  readonly days?: number;
  readonly algorithm?: string;
}

/** DER as text (RFC 7468 §2). */
export const derToPem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
