/**
 * What ACME clients do to a disk, replayed in steps. Orders and modes are those of certbot 2.1 to 5.6
 * (certbot/_internal/storage.py) and acme.sh 3.1.4, read in their source and seen under strace.
 */
export { acmeInstall } from './acmeInstall.ts'
export { acmeIssue, acmeRenew } from './acmeTree.ts'
export { certbotDelete, certbotLink, certbotRenew } from './certbotRenewal.ts'
export { certbotIssue, currentVersion } from './certbotTree.ts'
export { after, all, type Step, upTo } from './steps.ts'
