#!/usr/bin/env bash
# openssl s_client -starttls ftp: SCRIPT HOST PORT USER PASSFILE CACERT WORKDIR
# Which versions and protocols a handshake accepts, and what it then offers.
set -euo pipefail
host=$1 port=$2 cacert=$5 work=$6
cd "$work"

# QUIT, so that the server ends it; the exit status is that of the handshake.
shake() {
    printf 'QUIT\r\n' | timeout 30 openssl s_client -starttls ftp -connect \
        "$host:$port" -CAfile "$cacert" -verify_return_error -verify_ip \
        "$host" -ign_eof "$@" >out 2>&1
}

for version in 1_2 1_3; do
    shake "-tls$version" || { cat out; exit 1; }
    grep -q "TLSv${version/_/.}" out
    grep -q '^221 ' out
    grep -q 'Verify return code: 0' out
    grep -q 'Secure Renegotiation IS supported\|TLSv1.3' out
    grep -q '^Compression: NONE' out
    echo "openssl: TLS $version"
done

for version in 1 1_1; do
    ! shake "-tls$version" -cipher 'DEFAULT@SECLEVEL=0' ||
        { echo "TLS $version was accepted"; exit 1; }
    ! grep -q '^221 ' out || { echo "TLS $version was served"; exit 1; }
    echo "openssl: TLS $version is refused"
done

for cipher in AES256-SHA AES128-GCM-SHA256 ECDHE-ECDSA-AES128-SHA; do
    ! shake -tls1_2 -cipher "$cipher@SECLEVEL=0" ||
        { echo "$cipher was accepted"; exit 1; }
    echo "openssl: $cipher is refused"
done

shake -alpn ftp || { cat out; exit 1; }
grep -q 'ALPN protocol: ftp' out
for protocol in http/1.1 h2; do
    ! shake -alpn "$protocol" || { echo "$protocol was accepted"; exit 1; }
    echo "openssl: ALPN $protocol is refused"
done
echo "openssl: done"
