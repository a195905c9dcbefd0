/** PF_KEYv2 in the dialect of a system: what its header file has words for. */
import type { IpAddress } from '../../core/address.ts';
import type { Decoded } from '../../core/decoded.ts';
import { malformed, refusing } from '../refusing.ts';
import { decodeFrame, encodeFrame, type ExtensionTable, type OnBadExtension } from './frame.ts';
import type { PfkeyAlgorithm, PfkeyBody, PfkeyMessage, PfkeySa, PfkeyType } from './message.ts';
import type { Numbering } from './numbering.ts';

export const systems = ['linux', 'freebsd', 'illumos', 'openbsd'] as const;
export type System = (typeof systems)[number];

/** Whether an address is this host's: some systems speak of the local and the remote end where others speak of source and destination. */
export type IsLocal = (address: IpAddress) => boolean;

export interface PfkeyDialect {
  readonly name: System;
  /** A whole message. Throws a RangeError that names what the system has no words for, or what has no place in its field: a bug of the caller's. */
  encode(message: PfkeyMessage, isLocal: IsLocal): Uint8Array;
  /** A whole message, or `pfkey-malformed`: never throws. What the system has and the lab does not is passed over. */
  decode(bytes: Uint8Array, isLocal: IsLocal): Decoded<PfkeyMessage>;
  /** What of a message the system has no words for; undefined when it can be said. */
  lacks(message: PfkeyMessage): string | undefined;
  /** As much of a stack's message as the system's kernel would say; undefined where it would say nothing. */
  reduced(message: PfkeyMessage): PfkeyMessage | undefined;
  /** Where the system says by a diagnostic which extension a request has not that it must have: that one. */
  readonly missing?: (request: PfkeyMessage) => number | undefined;
  /** The type by its first octets, for people. */
  typeName(bytes: Uint8Array): string;
}

/** A protocol of a system's: what its header file declares, and how its extensions and our value become one another. */
export interface Protocol<Extensions extends object> {
  readonly version: number;
  readonly types: Readonly<Partial<Record<PfkeyType, number>>>;
  /** The other way where several of ours are one of theirs. */
  readonly reads?: Readonly<Record<number, PfkeyType>>;
  readonly saTypes: Numbering;
  readonly errors: Numbering;
  readonly encryption: Numbering;
  readonly auth: Numbering;
  readonly table: ExtensionTable<Extensions>;
  /** The fields that can be said, and those that are not because the system knows without. */
  readonly fields: readonly (keyof PfkeyBody)[];
  readonly unsaid: readonly (keyof PfkeyBody)[];
  /** What else it has no words for. */
  lacks?(message: PfkeyMessage): string | undefined;
  /** What else its kernel leaves out of what it says. */
  reduced?(message: PfkeyMessage): PfkeyMessage;
  /** Algorithms are in the system's numbers already. */
  toExtensions(body: PfkeyBody, message: PfkeyMessage, isLocal: IsLocal): Extensions;
  /** `faults` takes the diagnostics of what is wrong with them, the one to be told in front. `saType` is the lab's. */
  fromExtensions(extensions: Extensions, type: PfkeyType, isLocal: IsLocal, faults: number[], saType: number): PfkeyBody;
  /** Where the system answers a bad extension with a diagnostic: that one. */
  readonly diagnosticOf?: (...fault: Parameters<OnBadExtension<Extensions>>) => number | undefined;
}

export type ProtocolCodec = Omit<PfkeyDialect, 'name' | 'missing'> & { readonly has: (type: PfkeyType) => boolean };

export function protocolCodec<Extensions extends object>(name: System, protocol: Protocol<Extensions>): ProtocolCodec {
  const { version, types, saTypes, errors, encryption, auth, table } = protocol;
  const typeNames = new Map<number, PfkeyType>([...(Object.entries(types) as [PfkeyType, number][]).map(([type, number]) => [number, type] as const), ...Object.entries(protocol.reads ?? {}).map(([number, type]) => [Number(number), type] as const)]);
  const fields: ReadonlySet<string> = new Set(protocol.fields);
  const unsaid: ReadonlySet<string> = new Set(protocol.unsaid);

  const lacks = (message: PfkeyMessage): string | undefined => {
    if (types[message.type] === undefined) return message.type;
    if (saTypes.own(message.saType) === undefined) return `SA type ${message.saType}`;
    if (errors.own(message.errno) === undefined) return `errno ${message.errno}`;
    const field = bodyFields(message).find((name) => !fields.has(name) && !unsaid.has(name));
    if (field !== undefined) return field;
    if (message.sa !== undefined && encryption.own(message.sa.encrypt) === undefined) return `encryption algorithm ${message.sa.encrypt}`;
    if (message.sa !== undefined && auth.own(message.sa.auth) === undefined) return `authentication algorithm ${message.sa.auth}`;
    return protocol.lacks?.(message);
  };

  return {
    has: (type) => types[type] !== undefined,
    lacks,
    encode(message, isLocal) {
      const lack = lacks(message);
      if (lack !== undefined) throw new RangeError(`${name} has no words for ${lack}`);
      const { errno, sequence, pid, diagnostic = 0 } = message;
      const header = { version, type: types[message.type]!, errno: errors.own(errno)!, satype: saTypes.own(message.saType)!, reserved: diagnostic, sequence, pid };
      const body = renumbered(bodyOf(message, fields), (number) => encryption.own(number)!, (number) => auth.own(number)!);
      return encodeFrame(header, protocol.toExtensions(body, message, isLocal), table);
    },
    decode: (bytes, isLocal) =>
      refusing(() => {
        const faults: number[] = [];
        const { header, extensions } = decodeFrame(bytes, version, table, (...fault) => {
          const diagnostic = protocol.diagnosticOf?.(...fault);
          if (diagnostic !== undefined) faults.push(diagnostic);
          return diagnostic !== undefined;
        });
        const type = typeNames.get(header.type) ?? malformed('pfkey-malformed', `PF_KEY message: type ${header.type}`);
        const saType = saTypes.neutral(header.satype);
        const body = renumbered(protocol.fromExtensions(extensions, type, isLocal, faults, saType), encryption.neutral, auth.neutral);
        const [diagnostic = protocol.diagnosticOf === undefined ? 0 : header.reserved] = faults;
        const { sequence, pid } = header;
        return { type, saType, errno: errors.neutral(header.errno), sequence, pid, ...(diagnostic === 0 ? {} : { diagnostic }), ...body };
      }),
    reduced(message) {
      if (types[message.type] === undefined) return undefined;
      const { type, saType, errno, sequence, pid, diagnostic } = message;
      const only = (algorithms: readonly PfkeyAlgorithm[] | undefined, numbers: Numbering): readonly PfkeyAlgorithm[] | undefined => algorithms?.filter(({ id }) => numbers.own(id) !== undefined);
      const kept = bodyOf(message, fields);
      const supportedEncryption = only(kept.supportedEncryption, encryption);
      const supportedAuth = only(kept.supportedAuth, auth);
      const whole = { type, saType, errno, sequence, pid, ...(diagnostic === undefined ? {} : { diagnostic }), ...kept, ...(supportedEncryption && { supportedEncryption }), ...(supportedAuth && { supportedAuth }) };
      return protocol.reduced?.(whole) ?? whole;
    },
    typeName: (bytes) => typeNames.get(bytes[1] ?? 0) ?? `type ${bytes[1] ?? 0}`,
  };
}

/** Undefined values count as absent. */
const bodyFields = (message: PfkeyMessage): readonly (keyof PfkeyBody)[] =>
  (Object.keys(message) as (keyof PfkeyMessage)[]).filter((name): name is keyof PfkeyBody => message[name] !== undefined && !headerFields.has(name));

const headerFields: ReadonlySet<string> = new Set<keyof PfkeyMessage>(['type', 'saType', 'errno', 'sequence', 'pid', 'diagnostic']);

const bodyOf = (message: PfkeyMessage, fields: ReadonlySet<string>): PfkeyBody => Object.fromEntries(bodyFields(message).filter((name) => fields.has(name)).map((name) => [name, message[name]]));

function renumbered(body: PfkeyBody, encryption: (number: number) => number, auth: (number: number) => number): PfkeyBody {
  const { sa, supportedAuth, supportedEncryption } = body;
  const algorithms = (list: readonly PfkeyAlgorithm[], number: (number: number) => number): readonly PfkeyAlgorithm[] => list.map((algorithm) => ({ ...algorithm, id: number(algorithm.id) }));
  return {
    ...body,
    ...(sa && { sa: { ...sa, auth: auth(sa.auth), encrypt: encryption(sa.encrypt) } satisfies PfkeySa }),
    ...(supportedAuth && { supportedAuth: algorithms(supportedAuth, auth) }),
    ...(supportedEncryption && { supportedEncryption: algorithms(supportedEncryption, encryption) }),
  };
}
