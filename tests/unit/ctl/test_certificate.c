/* The commands store names that people copy from openssl(1) in exactly the
 * bytes that the server makes of the certificate. */
#include "ctl/edit/edit.h"
#include "support/test.h"

#define HEX32 "0123456789abcdef0123456789abcdef"

static const struct {
    const char *given, *row;
} rows[] = {
    { "email:a@example.org", "email:a@example.org" },
    { " email:a@example.org ; dns:a.example ",
      "email:a@example.org;dns:a.example" },
    { "sha256:01:23:45:67:89:AB:CD:EF:" HEX32,
      "sha256:0123456789abcdef" HEX32 },
    { "subject:CN=Anna Bell,O=A B", "subject:CN=Anna\\20Bell,O=A\\20B" },
    { "subject:CN=Anna\\20Bell", "subject:CN=Anna\\20Bell" },
    /* A space at either end of a value, and a name with a backslash. */
    { "subject:CN=\\ anna", "subject:CN=\\20anna" },
    { "subject:CN=\\\\20anna", "subject:CN=\\\\20anna" },
    { "subject:CN=anna\\ ", "subject:CN=anna\\20" },
    { "subject:CN=a\\\\ b", "subject:CN=a\\\\\\20b" },
    { "subject:CN=a\\,b\\+c", "subject:CN=a\\,b\\+c" },
    /* Text that looks like another name is a part of this one. */
    { "subject:CN=a\\;email:b@example.org",
      "subject:CN=a\\3Bemail:b@example.org" },
    { "subject:CN=a\\\\;email:b@example.org",
      "subject:CN=a\\\\;email:b@example.org" },
    { "subject:CN=a\\", "subject:CN=a\\" },
    { "", "" },
};

Test(certificate, tidy)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[CERTIFICATE_MAX] = "nothing";

        cr_expect_eq(certificate_tidy(rows[i].given, out), 0, "%zu", i);
        cr_expect_str_eq(out, rows[i].row, "%zu: %s", i, out);
    }
}

Test(certificate, too_long)
{
    char given[CERTIFICATE_MAX + 1], out[CERTIFICATE_MAX];

    for (size_t len = CERTIFICATE_MAX - 2; len <= CERTIFICATE_MAX; len++) {
        memset(given, 'a', len);
        given[len] = '\0';
        cr_expect_eq(certificate_tidy(given, out),
                     len < CERTIFICATE_MAX ? 0 : -ENAMETOOLONG, "%zu", len);
    }
}
