/** What an endpoint offers and takes where its topology does not say. */
import type { EspProposal, IkeProposal, IkeVersionNumber } from '../../src/ike/config.ts';
import type { HostFile } from './schema.ts';

/** IKEv1 has no AEADs in phase 1, and no groups beyond these. */
const v1Proposals: readonly IkeProposal[] = [
  {
    encryption: [{ name: 'aes-cbc', bits: 256 }, { name: 'aes-cbc', bits: 128 }],
    integrity: [],
    prf: ['hmac-sha2-256', 'hmac-sha1'],
    groups: ['ecp-256', 'modp-2048'],
  },
];

/** ESP of IKEv1: extended sequence numbers are not negotiated. */
const v1EspProposals: readonly EspProposal[] = [
  { encryption: [{ name: 'aes-cbc', bits: 256 }, { name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha2-256-128', 'hmac-sha1-96'], groups: [], extendedSequenceNumbers: false },
];

const ikeProposals: readonly IkeProposal[] = [
  {
    encryption: [{ name: 'aes-gcm-16', bits: 256 }, { name: 'aes-gcm-16', bits: 128 }, { name: 'chacha20-poly1305' }],
    integrity: [],
    prf: ['hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512'],
    groups: ['curve25519', 'ecp-256', 'ecp-384', 'modp-2048'],
  },
  {
    encryption: [{ name: 'aes-cbc', bits: 256 }, { name: 'aes-cbc', bits: 128 }],
    integrity: ['hmac-sha2-256-128', 'hmac-sha2-384-192', 'hmac-sha2-512-256', 'hmac-sha1-96'],
    prf: ['hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512', 'hmac-sha1'],
    groups: ['curve25519', 'ecp-256', 'ecp-384', 'modp-2048'],
  },
];

const espProposals: readonly EspProposal[] = [
  { encryption: [{ name: 'aes-gcm-16', bits: 256 }, { name: 'aes-gcm-16', bits: 128 }, { name: 'chacha20-poly1305' }], integrity: [], groups: [], extendedSequenceNumbers: true },
  { encryption: [{ name: 'aes-cbc', bits: 256 }, { name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha2-256-128', 'hmac-sha1-96'], groups: [], extendedSequenceNumbers: false },
];

/** Of either version: AH has integrity and nothing else. */
const ahProposals: readonly EspProposal[] = [{ encryption: [], integrity: ['hmac-sha2-256-128', 'hmac-sha1-96'], groups: [], extendedSequenceNumbers: false }];

const defaults: Readonly<Record<IkeVersionNumber, { readonly ike: readonly IkeProposal[]; readonly esp: readonly EspProposal[] }>> = {
  v1: { ike: v1Proposals, esp: v1EspProposals },
  v2: { ike: ikeProposals, esp: espProposals },
};

export const ikeProposalsOf = (ike: NonNullable<HostFile['ike']>, version: IkeVersionNumber): readonly IkeProposal[] =>
  ike.proposals?.map((proposal) => ({ ...proposal, encryption: proposal.encryption.map(withBits) })) ?? defaults[version].ike;

export const espProposalsOf = (esp: NonNullable<HostFile['esp']>, version: IkeVersionNumber): readonly EspProposal[] =>
  esp.proposals?.map((proposal) => ({ ...proposal, encryption: proposal.encryption.map(withBits) })) ?? (esp.protocol === 'ah' ? ahProposals : defaults[version].esp);

const withBits = ({ name, bits }: { name: EspProposal['encryption'][number]['name']; bits?: 128 | 256 | undefined }): EspProposal['encryption'][number] => (bits === undefined ? { name } : { name, bits });
