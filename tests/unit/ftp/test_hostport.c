/* Addresses in arguments and replies; HOST's argument and the name in the TLS
 * handshake. */
#include "sallyport/ftp/hostport.h"
#include "support/test.h"

static const struct address untouched = { .family = 9, .port = 7 };

struct row {
    const char *text;
    int error;
    const char *address; /* the form of address_port_text() */
};

static const struct row port_rows[] = {
    { "192,0,2,1,20,178", 0, "192.0.2.1:5298" },
    { "0,0,0,0,0,1", 0, "0.0.0.0:1" },
    { "255,255,255,255,255,255", 0, "255.255.255.255:65535" },
    { "192,0,2,1,0,0", -EINVAL, NULL },
    { "192,0,2,1,0,256", -EINVAL, NULL },
    { "256,0,2,1,0,1", -EINVAL, NULL },
    { "192,0,2,1,20", -EINVAL, NULL },
    { "192,0,2,1,20,178,0", -EINVAL, NULL },
    { "192,0,2,1,20,178,", -EINVAL, NULL },
    { ",192,0,2,1,20,178", -EINVAL, NULL },
    { "192,0,,1,20,178", -EINVAL, NULL },
    { "192,0,2,1,20,", -EINVAL, NULL },
    { "", -EINVAL, NULL },
    { " 192,0,2,1,20,178", -EINVAL, NULL },
    { "192,0,2,1,20,178 ", -EINVAL, NULL },
    { "192, 0,2,1,20,178", -EINVAL, NULL },
    { "192.0.2.1.20.178", -EINVAL, NULL },
    { "010,0,2,1,20,178", -EINVAL, NULL },
    { "192,0,2,1,20,0178", -EINVAL, NULL },
    { "192,0,2,1,20,00", -EINVAL, NULL },
    { "+92,0,2,1,20,178", -EINVAL, NULL },
    { "-1,0,2,1,20,178", -EINVAL, NULL },
    { "0xc0,0,2,1,20,178", -EINVAL, NULL },
    { "4294967488,0,2,1,20,178", -EINVAL, NULL },
    { "18446744073709551808,0,2,1,20,178", -EINVAL, NULL },
    { "(192,0,2,1,20,178)", -EINVAL, NULL },
};

static const struct row eprt_rows[] = {
    { "|1|192.0.2.1|5282|", 0, "192.0.2.1:5282" },
    { "|2|2001:db8::1|5282|", 0, "[2001:db8::1]:5282" },
    { "!1!192.0.2.1!65535!", 0, "192.0.2.1:65535" },
    { "~2~::1~1~", 0, "[::1]:1" },
    { "|3|192.0.2.1|5282|", -EPROTONOSUPPORT, NULL },
    { "|0|192.0.2.1|5282|", -EPROTONOSUPPORT, NULL },
    { "|01|192.0.2.1|5282|", -EPROTONOSUPPORT, NULL },
    { "|x|192.0.2.1|5282|", -EINVAL, NULL },
    { "||192.0.2.1|5282|", -EINVAL, NULL },
    { "|1|2001:db8::1|5282|", -EINVAL, NULL },
    { "|2|192.0.2.1|5282|", -EINVAL, NULL },
    { "|2|::ffff:192.0.2.1|5282|", -EINVAL, NULL },
    { "|1|::ffff:192.0.2.1|5282|", -EINVAL, NULL },
    { "|2|fe80::1%eth0|5282|", -EINVAL, NULL },
    { "|2|[2001:db8::1]|5282|", -EINVAL, NULL },
    { "|1|192.0.2.1|0|", -EINVAL, NULL },
    { "|1|192.0.2.1|65536|", -EINVAL, NULL },
    { "|1|192.0.2.1|021|", -EINVAL, NULL },
    { "|1|192.0.2.1||", -EINVAL, NULL },
    { "|1|192.0.2|5282|", -EINVAL, NULL },
    { "|1|192.0.2.01|5282|", -EINVAL, NULL },
    { "|1|host.example|5282|", -EINVAL, NULL },
    { "|1|192.0.2.1|5282", -EINVAL, NULL },
    { "|1|192.0.2.1|5282|x", -EINVAL, NULL },
    { "|1|192.0.2.1|5282||", -EINVAL, NULL },
    { "|1|192.0.2.1|", -EINVAL, NULL },
    { " 1 192.0.2.1 5282 ", -EINVAL, NULL },
    { "1111192.0.2.1152821", -EINVAL, NULL },
    { ".1.192.0.2.1.5282.", -EINVAL, NULL },
    { ":2:::1:5282:", -EINVAL, NULL },
    { "a1a192.0.2.1a5282a", -EINVAL, NULL },
    { "\x80"
      "1\x80"
      "192.0.2.1\x80"
      "5282\x80",
      -EINVAL, NULL },
    { "|", -EINVAL, NULL },
    { "", -EINVAL, NULL },
};

static void check(const struct row *rows, size_t n,
                  int (*parse)(struct slice, struct address *))
{
    for (size_t i = 0; i < n; i++) {
        struct address a = untouched;
        char text[ADDRESS_TEXT_MAX];
        int r = parse(slice_from(rows[i].text), &a);

        cr_expect_eq(r, rows[i].error, "\"%s\": %d", rows[i].text, r);
        if (r == 0)
            cr_expect_str_eq(address_port_text(&a, text), rows[i].address);
        else
            cr_expect_eq(memcmp(&a, &untouched, sizeof(a)), 0, "%s: touched",
                         rows[i].text);
    }
}

Test(hostport, port)
{
    check(port_rows, sizeof(port_rows) / sizeof(*port_rows), hostport_parse);
}

Test(hostport, eprt)
{
    check(eprt_rows, sizeof(eprt_rows) / sizeof(*eprt_rows),
          hostport_parse_extended);
}

Test(hostport, nul_inside)
{
    struct address a;

    cr_expect_eq(hostport_parse(SLICE("1,2,3,4,5\0,6"), &a), -EINVAL);
    cr_expect_eq(hostport_parse_extended(SLICE("|1|192.0.2.1\0|5282|"), &a),
                 -EINVAL);
}

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
