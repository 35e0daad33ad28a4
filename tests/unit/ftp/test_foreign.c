/* How other protocols begin, and that FTP never begins in that way. */
#include "sallyport/ftp/line.h"

#include <criterion/criterion.h>

#include "sallyport/ftp/command.h"

static const char *const other[] = {
    "GET / HTTP/1.1",
    "post /x HTTP/1.0",
    "HEAD *",
    "PUT a",
    "OPTIONS * HTTP/1.1",
    "OPTIONS sip:a@b SIP/2.0",
    "DESCRIBE rtsp://a/b RTSP/1.0",
    "PRI * HTTP/2.0",
    "GET",
    "FETCH /x HTTP/1.1",
    "HTTP/1.1 200 OK",
    "SSH-2.0-OpenSSH_9.2p1",
    "SSH-1.5-x",
    "EHLO example.org",
    "helo x",
    "LHLO x",
    "STARTTLS",
    "CAPA",
    "STLS",
    "APOP anna c4c9334bac560ecc979e58001b3e22fb",
    "a001 CAPABILITY",
    ". login anna secret",
    "1 STARTTLS",
};

static const char *const unknown[] = {
    "",          "XAUT 2 x",        "GETS x", " GET /",     "GET/ HTTP_1.1",
    "LANG en",   "a1 b CAPABILITY", "SSH",    "MAIL FROM:", "HTTP",
    "XCMD HTTP", "XCMD HTTP/1.1 x"
};

Test(foreign, lines)
{
    for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
        struct request q;

        cr_expect(foreign_line(slice_from(other[i])), "%s", other[i]);
        command_parse(slice_from(other[i]), &q);
        cr_expect_null(q.command, "%s", other[i]);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
        cr_expect_not(foreign_line(slice_from(unknown[i])), "%s", unknown[i]);
}

/* Without an argument no FTP command counts as another protocol's, even if the
 * caller forgets to check. */
Test(foreign, no_command)
{
    for (size_t i = 0; i < command_count; i++) {
        cr_expect_not(foreign_line(slice_from(command_table[i].name)), "%s",
                      command_table[i].name);
        cr_expect_not(foreign_byte(command_table[i].name[0]));
    }
}

Test(foreign, bytes)
{
    static const char good[] = "AZaz\r\xff";

    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool letter = (i >= 'A' && i <= 'Z') || (i >= 'a' && i <= 'z');

        if (letter || i == '\r' || i == 0xff)
            cr_expect_not(foreign_byte(c), "%d", i);
        else
            cr_expect(foreign_byte(c), "%d", i);
    }
    for (size_t i = 0; i < sizeof(good) - 1; i++)
        cr_expect_not(foreign_byte(good[i]));
}
