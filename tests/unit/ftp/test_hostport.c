/* Addresses in arguments and replies; HOST's argument and the name in the TLS
 * handshake. */
#include "sallyport/ftp/hostport.h"
#include "support/test.h"

Test(hostport, text)
{
    struct address a = { .family = 4,
                         .bytes = { 255, 255, 255, 255 },
                         .port = 65535 };
    char out[HOSTPORT_MAX];

    cr_expect_str_eq(hostport_text(&a, out), "255,255,255,255,255,255");
    a = (struct address){ .family = 4, .bytes = { 127, 0, 0, 1 }, .port = 256 };
    cr_expect_str_eq(hostport_text(&a, out), "127,0,0,1,1,0");
}

Test(hostport, epsv)
{
    static const struct {
        const char *text;
        int error;
        enum epsv_argument expected;
    } table[] = {
        { "", 0, EPSV_ANY },
        { "1", 0, EPSV_IPV4 },
        { "2", 0, EPSV_IPV6 },
        { "ALL", 0, EPSV_ALL },
        { "all", 0, EPSV_ALL },
        { "3", -EPROTONOSUPPORT, EPSV_ANY },
        { "0", -EPROTONOSUPPORT, EPSV_ANY },
        { "12", -EPROTONOSUPPORT, EPSV_ANY },
        { "99999999999999999999999", -EPROTONOSUPPORT, EPSV_ANY },
        { "-1", -EINVAL, EPSV_ANY },
        { "ALLE", -EINVAL, EPSV_ANY },
        { " ", -EINVAL, EPSV_ANY },
        { "1 ", -EINVAL, EPSV_ANY },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        enum epsv_argument e = (enum epsv_argument)77;
        int r = hostport_parse_epsv(slice_from(table[i].text), &e);

        cr_expect_eq(r, table[i].error, "\"%s\": %d", table[i].text, r);
        cr_expect_eq(e, r == 0 ? table[i].expected : (enum epsv_argument)77,
                     "\"%s\"", table[i].text);
    }
}

static const struct {
    const char *host, *asked;
    bool same;
} host_rows[] = {
    { "ftp.example.org", "ftp.example.org", true },
    { "FTP.Example.ORG", "ftp.example.org", true },
    { "ftp.example.org.", "ftp.example.org", true },
    { "ftp.example.org", "FTP.EXAMPLE.ORG.", true },
    { "localhost", "localhost", true },
    { "b\xc3\xbc.example", "b\xc3\xbc.example", true },
    { "192.0.2.1", "192.0.2.1", true },
    { "[2001:db8::1]", "2001:db8::1", true },
    { "[2001:DB8:0::1]", "[2001:db8::1]", true },
    { "other.example.org", "ftp.example.org", false },
    { "example.org", "ftp.example.org", false },
    { "ftp.example.orgx", "ftp.example.org", false },
    { "b\xc3\xbc.example", "xn--b-xha.example", false },
    { "192.0.2.1", "ftp.example.org", false },
    { "192.0.2.10", "192.0.2.1", false },
    { "[2001:db8::1]", "2001:db8::2", false },
    { "[::1]", "ftp.example.org", false },
    { "", "ftp.example.org", false },
    { "ftp.example.org..", "ftp.example.org", false },
    { "ftp.example.org:21", "ftp.example.org", false },
    { "ftp.example.org ", "ftp.example.org", false },
    { "[2001:db8::1", "2001:db8::1", false },
    { "[2001:db8::1]:21", "2001:db8::1", false },
};

Test(host, rows)
{
    for (size_t i = 0; i < sizeof(host_rows) / sizeof(host_rows[0]); i++)
        cr_expect_eq(host_is_same(slice_from(host_rows[i].host),
                                  slice_from(host_rows[i].asked)),
                     host_rows[i].same, "\"%s\" for \"%s\"", host_rows[i].host,
                     host_rows[i].asked);
}

Test(host, a_nul_inside)
{
    cr_expect_not(host_is_same(SLICE("ftp\0.example"), SLICE("ftp")));
}
