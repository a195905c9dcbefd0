/** What stands in a certificate (RFC 5280 §4.1), read as far as identity and trust ask for it. */
import { fromUtf8 } from '../../core/bytes.ts';
import type { Decoded } from '../../core/decoded.ts';
import { malformed, refusing } from '../refusing.ts';
import { contentOf, elements, inside, oidText, tags } from './der.ts';
import type { Element } from './der.ts';

export interface CertificateFields {
  /** DER of the names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970-01-01 UTC, both moments included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Extension[];
}

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of what the extension says. */
  readonly value: Uint8Array;
}

/** Reads one certificate in DER with nothing behind it. The signature is not looked at. */
export const decodeCertificate = (der: Uint8Array): Decoded<CertificateFields> =>
  refusing(() => {
    const [certificate, ...more] = elements(der);
    if (more.length > 0) malformed('certificate-malformed', 'octets left over behind a certificate');
    const [tbs] = inside(certificate, tags.sequence, 'certificate');
    const fields = inside(tbs, tags.sequence, 'TBSCertificate');
    if (fields[0]?.tag === tags.version) fields.shift(); // not there in version 1
    const [, , issuer, validity, subject, , ...rest] = fields;
    const [notBefore, notAfter] = inside(validity, tags.sequence, 'validity');
    const extensions = rest.find(({ tag }) => tag === tags.extensions);
    contentOf(issuer, tags.sequence, 'issuer');
    contentOf(subject, tags.sequence, 'subject');
    return {
      issuer: issuer!.encoded,
      subject: subject!.encoded,
      notBefore: timeOf(notBefore),
      notAfter: timeOf(notAfter),
      extensions: extensions === undefined ? [] : inside(elements(extensions.content)[0], tags.sequence, 'extensions').map(extensionOf),
    };
  });

/** Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue } (RFC 5280 §4.1). */
function extensionOf(extension: Element): Extension {
  const parts = inside(extension, tags.sequence, 'extension');
  const oid = oidText(contentOf(parts[0], tags.oid, 'extension ID'));
  const critical = parts[1]?.tag === tags.boolean && parts[1].content[0] !== 0;
  return { oid, critical, value: contentOf(parts.at(-1), tags.octetString, `extension ${oid}`) };
}

/** YYMMDDHHMMSSZ until 2049, YYYYMMDDHHMMSSZ from then on (RFC 5280 §4.1.2.5). */
function timeOf(time: Element | undefined): number {
  const kind = time?.tag === tags.utcTime ? tags.utcTime : tags.generalizedTime;
  const text = fromUtf8(contentOf(time, kind, 'time'));
  const match = (kind === tags.utcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(text);
  if (match === null) return malformed('certificate-malformed', `a time of ${text.length} characters that is none of RFC 5280`);
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, number, number, number, number, number];
  const fullYear = kind === tags.generalizedTime ? year : year < 50 ? 2000 + year : 1900 + year;
  return (((daysSince1970(fullYear, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

/** The Gregorian calendar with years that begin in March, so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  const daysBeforeMonth = Math.floor((153 * ((month + 9) % 12) + 2) / 5);
  return 365 * years + leapDays + daysBeforeMonth + day - 719_469;
}
