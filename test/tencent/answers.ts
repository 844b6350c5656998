/** An answer of the service as it should be. */
export const OK = JSON.stringify({
  Response: { CertificateId: 'a92b1Z1i', RepeatCertId: '', RequestId: 'r-1' },
})
