/**
 * Stands in the bundle for asn1-cms, asn1-csr and asn1-pkcs9 in @peculiar/x509: PKCS #7 and requests for certificates, whose classes
 * take three milliseconds to define. Making one of them is an error.
 */
const unused = name =>
  class {
    constructor() {
      throw new Error(`${name} is not in this program`)
    }
  }

export const CertificateChoices = unused('CertificateChoices')
export const CertificateSet = unused('CertificateSet')
export const CertificationRequest = unused('CertificationRequest')
export const CertificationRequestInfo = unused('CertificationRequestInfo')
export const ChallengePassword = unused('ChallengePassword')
export const ContentInfo = unused('ContentInfo')
export const EncapsulatedContent = unused('EncapsulatedContent')
export const SignedData = unused('SignedData')
export const CMSVersion = {}

export const id_data = '1.2.840.113549.1.7.1'
export const id_signedData = '1.2.840.113549.1.7.2'
export const id_pkcs9_at_challengePassword = '1.2.840.113549.1.9.7'
export const id_pkcs9_at_extensionRequest = '1.2.840.113549.1.9.14'
