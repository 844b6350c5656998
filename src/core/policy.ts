/** What the account's key has to be allowed. Pure. */

/** The one action that uploading needs. */
export const REQUIRED_ACTIONS = 'ssl:UploadCertificate'

/** As Cloud Access Management takes it: upload, find the ID of what is there already, and this program's own check. */
export const POLICY = `{"version": "2.0", "statement": [{"effect": "allow", "resource": ["*"],
  "action": ["ssl:UploadCertificate", "ssl:CheckCertificateExist",
             "ssl:DescribeCertificates"]}]}`
