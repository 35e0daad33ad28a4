/* HOST (RFC 7151): the name in the TLS handshake, or none. */
#include <criterion/criterion.h>
#include <string.h>

#include "fake.h"

/* In the TLS handshake the client asks for NAME. */
static void secure(struct fake *f, const char *name)
{
    const struct tls_client_options o = { .name = name };

    fake_start(f);
    cr_assert_eq(fake_reply(f), 220);
    fake_say(f, "HOST any.example"); /* in plain text: forgotten */
    cr_assert_eq(fake_reply(f), 220);
    fake_do(f, "AUTH TLS", 234);
    f->tls = tls_client_new(f->control, &o);
    cr_assert_not_null(f->tls, "%s", tls_client_error());
}

static const struct {
    const char *name, *line;
    int code;
} rows[] = {
    { "ftp.example.org", "HOST ftp.example.org", 220 },
    { "ftp.example.org", "HOST FTP.EXAMPLE.ORG.", 220 },
    { "ftp.example.org", "HOST any.example", 504 },
    { "ftp.example.org", "HOST [::1]", 504 },
    { "ftp.example.org", "HOST ftp.example.org:21", 504 },
    { "ftp.example.org", "HOST ::1", 504 },
    /* The handshake had no name, so none is wrong. */
    { NULL, "HOST any.example", 220 },
    { NULL, "HOST [2001:db8::1]", 220 },
    { NULL, "HOST any.example:21", 220 },
};

Test(host, the_name_of_the_handshake)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake f;

        secure(&f, rows[i].name);
        fake_say(&f, rows[i].line);
        cr_expect_eq(fake_reply(&f), rows[i].code, "%s: %s", rows[i].line,
                     f.reply);
        fake_say(&f, "USER anna"); /* the session continues */
        cr_expect_eq(fake_reply(&f), 331);
        fake_do(&f, rows[i].line, 503);
        fake_do(&f, "QUIT", 221);
        fake_hang_up(&f, ENDING_QUIT);
    }
}

/* A second HOST works like the first. */
Test(host, twice)
{
    struct fake f;

    secure(&f, "one.example");
    for (int i = 0; i < 2; i++) {
        fake_do(&f, "HOST two.example", 504);
        fake_do(&f, "HOST one.example", 220);
    }
    fake_do(&f, "QUIT", 221);
    fake_hang_up(&f, ENDING_QUIT);
}
