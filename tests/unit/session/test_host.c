/* HOST (RFC 7151): the name in the TLS handshake, or none. */
#include "fake.h"

/* Begins a session with a TLS handshake in which the client asks for NAME;
 * NULL: for no name */
static void secure(const char *name)
{
    const struct tls_client_options o = { .name = name };

    fake_start();
    cr_assert_eq(fake_reply(), 220);
    fake_say("HOST any.example"); /* forgotten, since it is plain text */
    cr_assert_eq(fake_reply(), 220);
    fake_do("AUTH TLS", 234);
    fake.tls = tls_client_new(fake.control, &o);
    cr_assert_not_null(fake.tls, "%s", tls_client_error());
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
    /* The handshake had no name, so each HOST is right. */
    { NULL, "HOST any.example", 220 },
    { NULL, "HOST [2001:db8::1]", 220 },
    { NULL, "HOST any.example:21", 220 },
};

Test(host, the_name_of_the_handshake)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        secure(rows[i].name);
        for (int n = 0; n < 2; n++) { /* a second HOST works like the first */
            fake_do(rows[i].line, rows[i].code);
            if (rows[i].name)
                fake_do("HOST other.example", 504);
        }
        fake_say("USER anna"); /* the session continues */
        cr_expect_eq(fake_reply(), 331);
        fake_do(rows[i].line, 503);
        fake_do("QUIT", 221);
        fake_hang_up(ENDING_QUIT);
    }
}
