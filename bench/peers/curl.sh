#!/bin/bash
# An upload by bash, openssl and curl, signed as TC3 says: curl.sh CHAIN KEY ALIAS.
# https://www.tencentcloud.com/document/api/1007/36575
set -euo pipefail
export TZ=UTC

line() { local text; text=$(<"$1"); printf '%s' "${text//$'\n'/\\n}\\n"; }
digest() { local sum; sum=$(openssl dgst -sha256 -r); printf '%s' "${sum%% *}"; }
hmac() { local sum; sum=$(openssl dgst -sha256 -mac HMAC -macopt "$1" -r); printf '%s' "${sum%% *}"; }

body="{\"CertificatePublicKey\":\"$(line "$1")\",\"CertificatePrivateKey\":\"$(line "$2")\",\"CertificateType\":\"SVR\",\"Alias\":\"$3\",\"Repeatable\":false}"
host=${CERTFERRY_ENDPOINT#*://}
printf -v now '%(%s)T' -1
printf -v date '%(%F)T' "$now"

type='application/json; charset=utf-8'
signed='content-type;host'
canonical="POST
/

content-type:$type
host:$host

$signed
$(printf '%s' "$body" | digest)"
to_sign="TC3-HMAC-SHA256
$now
$date/ssl/tc3_request
$(printf '%s' "$canonical" | digest)"

key=$(printf '%s' "$date" | hmac "key:TC3$TENCENTCLOUD_SECRET_KEY")
key=$(printf ssl | hmac "hexkey:$key")
key=$(printf tc3_request | hmac "hexkey:$key")
signature=$(printf '%s' "$to_sign" | hmac "hexkey:$key")

reply=$(printf '%s' "$body" | curl -sS --data-binary @- "$CERTFERRY_ENDPOINT/" \
  -H "Content-Type: $type" -H 'X-TC-Action: UploadCertificate' -H 'X-TC-Version: 2019-12-05' -H "X-TC-Timestamp: $now" \
  -H "Authorization: TC3-HMAC-SHA256 Credential=$TENCENTCLOUD_SECRET_ID/$date/ssl/tc3_request, SignedHeaders=$signed, Signature=$signature")
case $reply in
  *'"CertificateId":"'?*) printf '%s\n' "$reply" ;;
  *) printf '%s\n' "$reply" >&2; exit 1 ;;
esac
