/* certificate=, login= and totp= of a row: the permitted values. */
#include "support/test.h"
#include "userparse/user_fields.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define PIN   "sha256:" HEX32 HEX32

#define PINS_4  PIN ";" PIN ";" PIN ";" PIN
#define PINS_16 PINS_4 ";" PINS_4 ";" PINS_4 ";" PINS_4

static const struct {
    const char *text;
    const char *why; /* NULL: it is accepted */
} texts[] = {
    { "certificate=" PIN, NULL },
    { "certificate=" PIN ";email:a@example.org;dns:a.example;uri:x:y", NULL },
    { "certificate=subject:CN=Anna\\20Bell,O=\\C3\\A4", NULL },
    { "login=password", NULL },
    { "certificate=" PIN " login=certificate", NULL },
    { "login=certificate certificate=" PIN, NULL },
    { "certificate=" PIN ";" PIN " login=certificate", NULL },
    { "certificate=", "certificate=: expected a name after it" },
    { "certificate=anna", "certificate=anna: expected sha256:, subject:, " },
    { "certificate=email:",
      "certificate=email:: expected sha256:, subject:, " },
    { "certificate=" PIN ";", "certificate=: expected sha256:, subject:, " },
    { "certificate=sha256:" HEX32,
      "certificate=sha256:" HEX32 ": expected 64 digits, 0-9 and a-f" },
    { "certificate=" PIN "0",
      "certificate=" PIN "0: expected 64 digits, 0-9 and a-f" },
    { "certificate=sha256:A123456789abcdef0123456789abcdef" HEX32,
      "certificate=sha256:A123456789abcdef0123456789abcdef" HEX32
      ": expected 64 digits, 0-9 and a-f" },
    { "certificate=dns:\xc3\xa4.example",
      "certificate=dns:\xc3\xa4.example: expected" },
    { "login=both", "login=both: expected password or certificate" },
    { "login=certificate certificate=" PINS_16, NULL },
    { "login=certificate certificate=" PINS_16 ";" PIN,
      "login=certificate takes 16 certificates" },
    { "certificate=" PINS_16 ";" PIN, NULL },
    { "login=certificate", "login=certificate needs certificate=sha256:" },
    { "login=certificate certificate=email:a@example.org",
      "login=certificate goes with sha256: only, not with "
      "email:a@example.org" },
    { "login=certificate certificate=" PIN ";dns:a.example",
      "login=certificate goes with sha256: only, not with dns:a.example" },
    { "totp=GEZDGNBVGY3TQOJQGEZDGNBVGY", NULL },
    { "must_change=yes", NULL },
    { "must_change=no", NULL },
    { "must_change=1", "must_change=1: expected yes or no" },
    { "login=certificate certificate=" PIN " must_change=yes",
      "login=certificate takes no must_change=" },
    { "totp=", "totp=: expected a secret of 16 to 64 bytes in base32" },
    { "totp=GEZDGNBVGY3TQOJQGEZDGNBV", "totp=: expected a secret of" },
    { "totp=gezdgnbvgy3tqojqgezdgnbvgy3tqojq", "totp=: expected a secret of" },
    { "totp=GEZDGNBVGY3TQOJQGEZDGNBVG1", "totp=: expected a secret of" },
    { "login=certificate certificate=" PIN " totp=GEZDGNBVGY3TQOJQGEZDGNBVGY",
      "login=certificate takes no totp=" },
};

Test(certificate, texts)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct user user = { .name = NULL };
        struct complaint c = { "" };
        char text[2048];
        int r;

        snprintf(text, sizeof(text), "%s", texts[i].text);
        r = options_read(&user, LINE_USER, text, &c);

        cr_expect_eq(r == 0, texts[i].why == NULL, "%s: %s", texts[i].text,
                     c.text);
        if (texts[i].why)
            cr_expect(strncmp(c.text, texts[i].why, strlen(texts[i].why)) == 0,
                      "%s: %s", texts[i].text, c.text);
    }
}
