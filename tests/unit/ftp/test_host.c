/* HOST's argument and the name in the TLS handshake. */
#include <criterion/criterion.h>
#include <errno.h>

#include "sallyport/ftp/hostport.h"

#define TEN  "abcdefghij"
#define L63  TEN TEN TEN TEN TEN TEN "abc"
#define N253 L63 "." L63 "." L63 "." TEN TEN TEN TEN TEN TEN "a"

static const struct {
    const char *host, *asked;
    int result;
} rows[] = {
    { "ftp.example.org", "ftp.example.org", 0 },
    { "FTP.Example.ORG", "ftp.example.org", 0 },
    { "ftp.example.org.", "ftp.example.org", 0 },
    { "ftp.example.org", "FTP.EXAMPLE.ORG.", 0 },
    { "localhost", "localhost", 0 },
    { "_ftp.example.org", "_ftp.example.org", 0 },
    { "b\xc3\xbc.example", "b\xc3\xbc.example", 0 },
    { L63, L63, 0 },
    { N253, N253, 0 },
    { "192.0.2.1", "192.0.2.1", 0 },
    { "[2001:db8::1]", "2001:db8::1", 0 },
    { "[2001:DB8:0::1]", "[2001:db8::1]", 0 },
    { "other.example.org", "ftp.example.org", -ENOENT },
    { "example.org", "ftp.example.org", -ENOENT },
    { "ftp.example.orgx", "ftp.example.org", -ENOENT },
    { "b\xc3\xbc.example", "xn--b-xha.example", -ENOENT },
    { "192.0.2.1", "ftp.example.org", -ENOENT },
    { "192.0.2.10", "192.0.2.1", -ENOENT },
    { "[2001:db8::1]", "2001:db8::2", -ENOENT },
    { "[::1]", "ftp.example.org", -ENOENT },
    { "", "ftp.example.org", -EINVAL },
    { ".", ".", -EINVAL },
    { "..", "..", -EINVAL },
    { "ftp..example.org", "ftp..example.org", -EINVAL },
    { ".example.org", ".example.org", -EINVAL },
    { "ftp.example.org..", "ftp.example.org", -EINVAL },
    { "ftp.example.org:21", "ftp.example.org", -EINVAL },
    { "ftp example.org", "ftp example.org", -EINVAL },
    { "ftp.example.org ", "ftp.example.org", -EINVAL },
    { "ftp/example", "ftp/example", -EINVAL },
    { L63 "x", L63 "x", -EINVAL },
    { N253 "x", N253 "x", -EINVAL },
    { "2001:db8::1", "2001:db8::1", -EINVAL }, /* not in brackets */
    { "[2001:db8::1", "2001:db8::1", -EINVAL },
    { "[2001:db8::1]:21", "2001:db8::1", -EINVAL },
    { "[192.0.2.1]", "192.0.2.1", -EINVAL },
    { "[ftp.example.org]", "ftp.example.org", -EINVAL },
    { "[]", "[]", -EINVAL },
};

Test(host, rows)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(
            host_compare(slice_from(rows[i].host), slice_from(rows[i].asked)),
            rows[i].result, "\"%s\" for \"%s\"", rows[i].host, rows[i].asked);
}

Test(host, a_nul_inside)
{
    cr_expect_eq(host_compare(SLICE("ftp\0.example"), SLICE("ftp")), -EINVAL);
}
