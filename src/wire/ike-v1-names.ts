/** How people call the numbers of IKEv1 (RFC 2409 appendix A, RFC 2407 §4, IANA). */
import {
  ahTransforms, authenticationAlgorithms, authenticationMethods, configurationAttributes, encapsulationModes, encryptionAlgorithms, espTransforms, groups, hashAlgorithms, lifeTypes, natDetectionTypes,
  natOriginalAddressTypes, payloadTypes, phaseOneAttributes, phaseTwoAttributes, protocolIds,
} from './ike/v1/message.ts';
import { namesOf } from './names.ts';

type Names = Readonly<Record<number, string>>;

/** Attributes of a transform with the names of their values, where those have any. */
export interface AttributeNames {
  readonly types: Names;
  readonly values: Readonly<Record<number, Names>>;
}

const spoken = (table: Readonly<Record<string, number>>): Names => Object.fromEntries(Object.entries(namesOf(table)).map(([number, name]) => [number, name.toLowerCase().replaceAll('_', ' ')]));

const one = phaseOneAttributes;
const phaseOne: AttributeNames = {
  types: spoken(one),
  values: {
    [one.ENCRYPTION]: namesOf(encryptionAlgorithms), [one.HASH]: namesOf(hashAlgorithms), [one.AUTHENTICATION_METHOD]: spoken(authenticationMethods), [one.GROUP]: namesOf(groups),
    [one.LIFE_TYPE]: spoken(lifeTypes),
  },
};

const two = phaseTwoAttributes;
const phaseTwo: AttributeNames = {
  types: spoken(two),
  values: { [two.LIFE_TYPE]: spoken(lifeTypes), [two.GROUP]: namesOf(groups), [two.ENCAPSULATION_MODE]: spoken(encapsulationModes), [two.AUTHENTICATION]: namesOf(authenticationAlgorithms) },
};

/** Of the transforms of a proposal for this protocol. */
export const attributeNames = (protocol: number): AttributeNames => (protocol === protocolIds.ISAKMP ? phaseOne : phaseTwo);

export const transformNames: Readonly<Record<number, Names>> = { [protocolIds.ISAKMP]: { 1: 'KEY_IKE' }, [protocolIds.AH]: namesOf(ahTransforms), [protocolIds.ESP]: namesOf(espTransforms) };

export const configurationAttributeNames: Names = namesOf(configurationAttributes);

/** `NAT-D` under each of its numbers. */
export const payloadNames: Names = {
  ...namesOf(payloadTypes), 0: 'none', 129: 'GSS',
  ...Object.fromEntries(natDetectionTypes.map((number) => [number, 'NAT-D'])), ...Object.fromEntries(natOriginalAddressTypes.map((number) => [number, 'NAT-OA'])),
};
