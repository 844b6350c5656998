/** Reads ASN.1 in DER (X.690) within bounds: at most 100 levels deep and so many elements. Pure. */
import * as asn1js from 'asn1js'

export type Element = asn1js.AsnType

/** A PKCS#7 container with a hundred certificates has 10,000. */
const MAX_ELEMENTS = 50_000

/** The elements of the one SEQUENCE that the bytes consist of; none where they are something else. */
export function membersOf(der: Buffer, most = MAX_ELEMENTS): readonly Element[] {
  try {
    const { offset, result } = asn1js.fromBER(der, { maxNodes: most, parseEmbedded: false })
    return offset === der.length && isSequence(result) ? elementsOf(result) : []
  } catch {
    return []
  }
}

/** The elements that an element consists of; none where its length is left open (BER), which no maker of keys writes. */
export const elementsOf = (element: Element | undefined): readonly Element[] =>
  element instanceof asn1js.Constructed && !element.lenBlock.isIndefiniteForm ? element.valueBlock.value : []

export const isSequence = (element: Element | undefined) => element instanceof asn1js.Sequence

export const isInteger = (element: Element | undefined) => element instanceof asn1js.Integer

export const isBits = (element: Element | undefined) => element instanceof asn1js.BitString

export const isTime = (element: Element | undefined) => element instanceof asn1js.UTCTime

/** Whether it has the tag `[n]`. */
export const isTagged = (element: Element | undefined, n: number) =>
  element?.idBlock.tagClass === 3 && element.idBlock.tagNumber === n

/** The bytes of an OCTET STRING in one piece; undefined where it is something else. */
export const octetsOf = (element: Element | undefined): Buffer | undefined =>
  element instanceof asn1js.OctetString && !element.idBlock.isConstructed
    ? Buffer.from(element.valueBlock.valueHexView)
    : undefined

/** The bytes of a BIT STRING in one piece; undefined where it is something else. */
export const bitsOf = (element: Element | undefined): Buffer | undefined =>
  isBits(element) && !element.idBlock.isConstructed ? Buffer.from(element.valueBlock.valueHexView) : undefined

/** An identifier such as "1.2.840.10045.2.1"; undefined where it is something else. */
export const identifierOf = (element: Element | undefined): string | undefined =>
  element instanceof asn1js.ObjectIdentifier ? element.valueBlock.toString() : undefined

/** The number of an INTEGER without its sign, as OpenSSL reads the numbers of a key; undefined where it is something else. */
export const integerOf = (element: Element | undefined): bigint | undefined =>
  element instanceof asn1js.Integer ? numberOf(element.valueBlock.valueHexView) : undefined

export const numberOf = (bytes: Uint8Array | ArrayBuffer): bigint =>
  BigInt(`0x${Buffer.from(new Uint8Array(bytes)).toString('hex') || '0'}`)
