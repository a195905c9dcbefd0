import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../src/core/bytes.ts';
import { decodeEsp, encodeEspHeader } from '../../src/wire/esp.ts';
import { classifyNatt, natKeepalive, nonEspMarker, stripMarker, withMarker } from '../../src/wire/natt.ts';

describe('what arrives on UDP 4500 (RFC 3948 §2)', () => {
  test.each([
    ['one octet ff', 'ff', 'keepalive'],
    ['two octets ff', 'ffff', 'too-short'],
    ['one other octet', '00', 'too-short'],
    ['nothing at all', '', 'too-short'],
    ['three octets of zero', '000000', 'too-short'],
    ['the marker alone', '00000000', 'ike'],
    ['the marker and an IKE header', `00000000 ${'11'.repeat(28)}`, 'ike'],
    ['an SPI alone', '12345678', 'too-short'],
    ['an SPI and half a sequence number', '12345678 0000', 'too-short'],
    ['an ESP header', '12345678 00000001', 'esp'],
    ['an SPI that begins with zeros', '00000100 00000001', 'esp'],
    ['four octets ff, which is an SPI like any other', 'ffffffff 00000001', 'esp'],
  ])('%s', (_, hex, kind) => {
    expect(classifyNatt(fromHex(hex))).toBe(kind);
  });

  test('the keepalive is one octet ff, the marker four of zero', () => {
    expect(natKeepalive).toEqual(fromHex('ff'));
    expect(nonEspMarker).toEqual(fromHex('00000000'));
  });

  test('an IKE message comes out from behind its marker as it went in', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (message) => {
        expect(classifyNatt(withMarker(message))).toBe('ike');
        expect(stripMarker(withMarker(message))).toEqual(message);
      }),
    );
  });

  test('an ESP packet is never taken for anything else', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), fc.nat(0xffff_ffff), (spi, sequence) => { expect(classifyNatt(encodeEspHeader({ spi, sequence }))).toBe('esp'); }));
  });
});

describe('the ESP header (RFC 4303 §2)', () => {
  test('is SPI and sequence number in network order', () => {
    expect(encodeEspHeader({ spi: 0x1234_abcd, sequence: 7 })).toEqual(fromHex('1234abcd 00000007'));
    expect(decodeEsp(fromHex('f234abcd 80000007 c0ffee'))).toEqual({ ok: true, value: { spi: 0xf234_abcd, sequence: 0x8000_0007, body: fromHex('c0ffee') } });
  });

  test('SPI zero and less than a header are refused', () => {
    expect(decodeEsp(fromHex('00000000 00000001'))).toMatchObject({ ok: false, reason: 'esp-malformed' });
    expect(decodeEsp(fromHex('12345678 000000'))).toMatchObject({ ok: false, reason: 'esp-malformed' });
  });
});
