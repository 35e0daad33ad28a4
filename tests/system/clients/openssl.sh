#!/usr/bin/env bash
# openssl s_client -starttls ftp, and without it on the port of implicit TLS: the versions and
# protocols that a handshake accepts, and what it then offers. There are no data connections, since
# it isn't an FTP client.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"

# Sends QUIT, so that the server ends the session; the exit status is that of
# the handshake.
shake() {
    printf 'QUIT\r\n' | timeout 30 openssl s_client "${how[@]}" -CAfile "$cacert" -verify_return_error -verify_ip \
        "$host" -ign_eof "$@" >out 2>&1 || { cat out >>transcript; return 1; }
}

for name in explicit implicit; do
    how=(-starttls ftp -connect "$host:$port")
    [[ $name == explicit ]] || how=(-connect "$host:$implicit")
    for version in 1_2 1_3; do
        shake "-tls$version"
        grep -q "TLSv${version/_/.}" out
        grep -q '^221 ' out
        grep -q 'Verify return code: 0' out
        grep -q 'Secure Renegotiation IS supported\|TLSv1.3' out
        grep -q '^Compression: NONE' out
        step "TLS $version $name"
    done

    for version in 1 1_1; do
        ! shake "-tls$version" -cipher 'DEFAULT@SECLEVEL=0' ||
            fail "TLS $version was accepted"
        ! grep -q '^221 ' out || fail "TLS $version was served"
        step "TLS $version is refused"
    done

    for cipher in AES256-SHA AES128-GCM-SHA256 ECDHE-ECDSA-AES128-SHA; do
        ! shake -tls1_2 -cipher "$cipher@SECLEVEL=0" ||
            fail "$cipher was accepted"
        step "$cipher is refused"
    done

    shake -alpn ftp
    grep -q 'ALPN protocol: ftp' out
    for protocol in http/1.1 h2; do
        ! shake -alpn "$protocol" || fail "$protocol was accepted"
        step "ALPN $protocol is refused"
    done
done
echo "openssl: done"
