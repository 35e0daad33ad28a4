/* The hints: to a server that tells an address which nobody outside reaches,
 * and to one that asks nobody for the certificate that a user must show. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "master/start/hint.h"
#include "sallyport/base/fd.h"

#define LISTEN "listen = 0.0.0.0:21\n"

static const struct {
    const char *settings, *own[4], *hint;
} rows[] = {
    { LISTEN, { "127.0.0.1", "10.0.0.5" }, "10.0.0.5" },
    { LISTEN, { "127.0.0.1", "192.168.1.2", "172.17.0.1" }, "192.168.1.2" },
    { LISTEN, { "100.64.0.1" }, "100.64.0.1" },
    { LISTEN, { "10.0.0.5", "203.0.113.7" }, NULL },
    { LISTEN, { "127.0.0.1" }, NULL },
    { LISTEN, { NULL }, NULL },
    { LISTEN, { "fd00::1" }, NULL },
    { "listen = 10.0.0.5:21\n", { "10.0.0.5", "203.0.113.7" }, "10.0.0.5" },
    { "listen = 203.0.113.7:21\n", { "10.0.0.5", "203.0.113.7" }, NULL },
    { "listen = 127.0.0.1:21\n", { "127.0.0.1", "10.0.0.5" }, NULL },
    { "listen = [::]:21\n", { "10.0.0.5" }, NULL }, /* IPv6 only */
    { LISTEN "address = 203.0.113.7\n", { "10.0.0.5" }, NULL },
    { LISTEN "address = 10.0.0.5\n", { "10.0.0.5" }, NULL }, /* is meant so */
    { LISTEN "address = example.org\n", { "10.0.0.5" }, NULL }, /* its own */
    { LISTEN "address = 2001:db8::1\n", { "10.0.0.5" }, "10.0.0.5" },
    { "listen = 0.0.0.0:21 proxy\nproxies = 10.0.0.9\nports = auto 4 proxy\n",
      { "10.0.0.5" },
      NULL },
    { "listen = 0.0.0.0:21 proxy\nproxies = 10.0.0.9\n",
      { "10.0.0.5" },
      "10.0.0.5" },
    { "listen = 0.0.0.0:21 proxy, 10.0.0.5:22\nproxies = 10.0.0.9\n"
      "ports = auto 4 proxy\n",
      { "10.0.0.5" },
      "10.0.0.5" },
    { LISTEN "address.0.0.0.0/0 = 203.0.113.7\n", { "10.0.0.5" }, NULL },
    { LISTEN "address.10.0.0.0/8 = 10.0.0.5\n", { "10.0.0.5" }, "10.0.0.5" },
    { LISTEN "address.::/0 = fd00::1\n", { "10.0.0.5" }, "10.0.0.5" },
};

static size_t parse_own(const char *const text[4], struct address own[4])
{
    size_t n = 0;

    for (; n < 4 && text[n]; n++)
        cr_assert_eq(address_parse(slice_from(text[n]), &own[n]), 0);
    return n;
}

Test(hint, rows)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[ADDRESS_TEXT_MAX] = "";
        const struct address *hint;
        struct complaint c = { "" };
        struct address own[4];
        struct settings s;

        cr_assert_eq(
            settings_parse(&s, slice_from(rows[i].settings), "conf", &c), 0,
            "%s", c.text);
        hint = hint_private(&s, own, parse_own(rows[i].own, own));
        if (hint)
            address_text(hint, text);
        cr_expect_str_eq(text, rows[i].hint ? rows[i].hint : "", "row %zu", i);
    }
}

#define PIN                                                                    \
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROW(name, mark, uid, keys)                                             \
    name ":" mark "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234:" uid   \
         ":" uid "::/home/" name "::" keys "\n"
#define ASKED "client_ca = /ca.pem\nclient_certificates = "

static const struct {
    const char *settings, *users, *words; /* NULL: there is no hint */
} unasked[] = {
    { "", ROW("anna", "", "70000", ""), NULL },
    { "",
      ROW("anna", "", "70000", "")
          ROW("bert", "", "70001", "certificate=dns:bert.example"),
      "and 1 user of whom certificate= wants one can't log in (the first is "
      "bert); write: client_certificates = request" },
    { "client_certificates = off\n",
      ROW("anna", "", "70000", "certificate=" PIN " login=certificate")
          ROW("bert", "", "70001", "certificate=dns:bert.example"),
      "and 2 users of whom certificate= wants one can't log in (the first is "
      "anna)" },
    { "", ROW("anna", "!", "70000", "certificate=dns:anna.example"), NULL },
    { ASKED "request\n",
      ROW("anna", "", "70000", "certificate=dns:anna.example"), NULL },
    { ASKED "require\n",
      ROW("anna", "", "70000", "certificate=dns:anna.example"), NULL },
};

Test(hint, unasked)
{
    for (size_t i = 0; i < sizeof(unasked) / sizeof(unasked[0]); i++) {
        const char *words = unasked[i].words;
        struct complaint c = { "" }, hint = { "" };
        struct settings s;
        struct users u;
        int fd = fd_sealed("users", slice_from(unasked[i].users));

        cr_assert_eq(
            settings_parse(&s, slice_from(unasked[i].settings), "conf", &c), 0,
            "%s", c.text);
        cr_assert_eq(users_read(&u, fd, "users", &c), 0, "%s", c.text);
        cr_expect_eq(hint_unasked(&s, &u, &hint), words != NULL, "row %zu", i);
        cr_expect_eq(hint.text[0] != '\0', words != NULL, "row %zu", i);
        cr_expect(!words || strstr(hint.text, words), "row %zu: %s", i,
                  hint.text);
        users_release(&u);
        fd_close(&fd);
    }
}
