/* The hint for a server that asks for no certificate, although a user must show
 * one. */
#include "master/logins/logins.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "sallyport/userparse/userparse.h"
#include "support/test.h"

#define PIN                                                                    \
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROW(name, mark, uid, keys)                                             \
    name ":" mark "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234:" uid   \
         ":" uid "::/home/" name "::" keys "\n"
#define ASKED "client_ca = /ca.pem\nclient_certificates = "

static const struct {
    const char *settings, *users, *words; /* NULL: there is no hint */
} unsent[] = {
    { "", ROW("anna", "", "70000", ""), NULL },
    { "",
      ROW("anna", "", "70000", "")
          ROW("bert", "", "70001", "certificate=dns:bert.example"),
      "and 1 user with certificate= can't log in (the first is bert); write: "
      "client_certificates = request" },
    { "client_certificates = off\n",
      ROW("anna", "", "70000", "certificate=" PIN " login=certificate")
          ROW("bert", "", "70001", "certificate=dns:bert.example"),
      "and 2 users with certificate= can't log in (the first is anna)" },
    { "", ROW("anna", "!", "70000", "certificate=dns:anna.example"), NULL },
    { ASKED "request\n",
      ROW("anna", "", "70000", "certificate=dns:anna.example"), NULL },
    { ASKED "require\n",
      ROW("anna", "", "70000", "certificate=dns:anna.example"), NULL },
};

Test(hint, unsent)
{
    for (size_t i = 0; i < sizeof(unsent) / sizeof(unsent[0]); i++) {
        const char *words = unsent[i].words;
        struct complaint c = { "" }, hint = { "" };
        struct settings s;
        struct users u;
        int fd = fd_sealed("users", slice_from(unsent[i].users));

        cr_assert_eq(
            conf_parse(&s, slice_from(unsent[i].settings), "conf", NULL, &c), 0,
            "%s", c.text);
        cr_assert_eq(users_read(&u, fd, "users", &c), 0, "%s", c.text);
        cr_expect_eq(access_hint(&s, &u, &hint), words != NULL, "row %zu", i);
        cr_expect_eq(hint.text[0] != '\0', words != NULL, "row %zu", i);
        cr_expect(!words || strstr(hint.text, words), "row %zu: %s", i,
                  hint.text);
        users_release(&u);
        fd_close(&fd);
    }
}
