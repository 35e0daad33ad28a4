/* "user import" of a hash, whose password still counts, and of damaged files.
 * cases/import*.txt has the rest. */
#include <openssl/evp.h>

#include "sallyport/base/buf.h"
#include "sallyport/hash/hash.h"

#include "ctl/users/import.h"
#include "support/long.h"
#include "support/run.h"
#include "world.h"

TestSuite(import, .init = world_make, .fini = scratch_remove);

#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define SHA "$6$salt$" S43 S43

/* The password of an imported hash still counts. */
Test(import, a_password_is_kept)
{
    struct secret s;
    char hash[HASH_MAX], text[512], words[256];

    cr_assert_eq(secret_set(&s, SLICE("correct horse")), 0);
    cr_assert_eq(hash_make(&s, 5, hash), 0);
    snprintf(text, sizeof(text), "anna:%s::::::\n", hash);
    file_write(in(scratch, "new"), text);
    snprintf(words, sizeof(words), "user import %s", in(scratch, "new"));
    expect_out(0, "", words, "1 imported, 0 skipped\n");
    cr_expect(world_password_is("anna", "correct horse"));
}

#define USER                                                                   \
    "anna:!" SHA ":70000:70000:A:/h/anna::rights=read expires=2030-01-01 "     \
    "hours=sat shares=a:read\n"

/* Imports texts with random bytes. The sanitizers look for faults. */
Test(import, damaged_texts, WITH_SANITIZERS)
{
    static const char bytes[] = ":=!*#, \n\r0a\377";
    const size_t files = is_long() ? 1000 : 100;
    char words[256];
    struct run r;

    srandom(1);
    snprintf(words, sizeof(words), "user import %s --dry-run",
             in(scratch, "new"));
    for (size_t i = 0; i < files; i++) {
        char text[] = USER "# bert: a comment\n" USER;

        for (long n = random() % 4; n >= 0; n--)
            text[(size_t)random() % (sizeof(text) - 1)] =
                bytes[(size_t)random() % (sizeof(bytes) - 1)];
        file_write(in(scratch, "new"), text);
        run_ctl(&r, "", words);
        cr_expect(r.code == 0 || r.code == EX_DATAERR, "%d: %s%s%s", r.code,
                  text, r.out, r.err);
        cr_expect_null(strstr(r.err, "$6$"), "%s", r.err);
    }
}

/* Each kind of bytes in each member of an entry. The bytes are in a source that
 * two users follow, while a third one has left it. */

/* "%" and a letter stand for a member's value. */
static const struct format {
    const char *converter;       /* in etc/import; NULL: the entries are rows */
    const char *entry, *account; /* ACCOUNT: the entry's line of passwd(5) */
} formats[] = {
    { "name-hash", "%N:%H:%X\n", NULL },
    { "proftpd", "%N:%H:1000:1:%C:%O:%S\n", NULL },
    { "passwd", "%N:%H:1000:1:%C:%O:%S\n", NULL },
    { "passwd", "%N:%H:19000:0:%X:7:%X:%D:\n", "%N:x:1000:1::/h:/bin/sh\n" },
    { "pure-pw", "%N:%H:1:1:%C:%O:%U:%U:::%U:::%L:%L:%W:%L:%T\n", NULL },
    { "ldif",
      "dn:: %X\nuid:: %N\nuserPassword:: %X\nuserPassword:: %H\ncn:: %C\n"
      "mail:: %C\nshadowExpire:: %D\nnsAccountLock:: %B\n"
      "loginDisabled:: %B\n\n",
      NULL },
    { NULL, "%N:%l%H:::%C:%o::rights=full%d%w%t\n", NULL },
};
#define FORMATS (sizeof(formats) / sizeof(*formats))

/* The bytes go to the place of "@". */
static const struct value {
    char letter;
    const char *text, *usual; /* USUAL: the value in other entries */
    const char *key; /* the value is a restriction: the user has this key, or is
                        locked */
} values[] = {
    { 'N', "us@er", "", NULL },
    { 'H', SHA "@", SHA, NULL },
    { 'C', "Jo@e", "Joe", NULL },
    { 'O', "/ho@me", "/home", NULL },
    { 'S', "/bin/@sh", "", NULL },
    { 'X', "@", "", NULL },
    { 'U', "10@", "", NULL },
    { 'L', "TRUE@", "", NULL },
    { 'D', "20484@", "", " expires=" },
    { 'T', "800-1700@", "", " hours=" },
    { 'W', "10.0.0.0/8@", "", " networks=" },
    { 'B', "TRUE@", "FALSE", "; locked in" },
    { 'o', "/ho@me", "", NULL },
    { 'd', " expires=2026-01-31@", "", " expires=" },
    { 'l', "!@", "", "; locked in" },
    { 't', " hours=sat@", "", " hours=" },
    { 'w', " networks=10.0.0.0/8@", "", " networks=" },
};
#define VALUES (sizeof(values) / sizeof(*values))

#define BYTES(text, ...) { { text, sizeof(text) - 1 }, __VA_ARGS__ }
static const struct kind {
    struct slice bytes;
    bool in_columns; /* can a file of columns have them? */
} kinds[] = {
    BYTES("", true),
    BYTES("\377\376\375", true),
    BYTES("\344", true),             /* Latin-1 */
    BYTES("\200\277", true),         /* no first byte */
    BYTES("\303", true),             /* cut */
    BYTES("\360\237\230", true),     /* cut */
    BYTES("\300\257", true),         /* overlong */
    BYTES("\355\240\200", true),     /* half of a pair */
    BYTES("\364\220\200\200", true), /* above U+10FFFF */
    BYTES("\302\233", true),         /* a control */
    BYTES("\342\200\256", true),     /* reorders a line */
    BYTES("\357\277\277", true),     /* no character */
    BYTES("\357\273\277", true),     /* a byte order mark */
    BYTES("\303\244", true),
    BYTES("\0", false),
    BYTES("\1", true),
    BYTES("\33[2J", true),
    BYTES("\177", true),
    BYTES("\t", true),
    BYTES("\r", true),
    BYTES("\r\n\nuid: x\n", false),
    BYTES("\"", true),
    BYTES("\", \"locked\": false", true),
    BYTES("\\", true),
    BYTES("\\u0000", true),
    BYTES("\\ud83d", true),
    BYTES("\\ude00", true),
    BYTES("\\ud83d\\ud83d\\ude00", true),
    BYTES("\\\\u0000", true),
    BYTES(":", true), /* each converter itself looks for these: IN_EACH */
    BYTES("0000000000000000000000000000", true),
    BYTES("-1", true),
};
#define KINDS   (sizeof(kinds) / sizeof(*kinds))
#define IN_EACH (kinds + KINDS - 3)

#define GONE "$6$other$" S43 S43

static void add_value(struct buf *to, const char *text, struct slice bytes,
                      bool in_base64)
{
    const int before = (int)strcspn(text, "@");
    struct buf value;

    buf_init(&value, 1024);
    buf_add_format(&value, "%.*s", before, text);
    if (text[before]) {
        buf_add_slice(&value, bytes);
        buf_add_text(&value, text + before + 1);
    }
    if (in_base64) {
        unsigned char out[2048] = "";

        EVP_EncodeBlock(out, (unsigned char *)value.data, (int)value.len);
        buf_add_text(to, (char *)out);
    } else {
        buf_add(to, value.data, value.len);
    }
    buf_release(&value);
}

/* Adds the entry of the user NAME. In the member LETTER its value has the
 * BYTES. */
static void add_entry(struct buf *to, const struct format *f,
                      const char *layout, const char *name, char letter,
                      struct slice bytes)
{
    for (; *layout; layout++) {
        const struct value *v = values;

        if (*layout != '%') {
            buf_add(to, layout, 1);
            continue;
        }
        layout++;
        while (v->letter != *layout)
            v++;
        /* With the hash of gone another user would count as renamed. */
        add_value(to,
                  *layout == letter                             ? v->text
                  : *layout == 'N'                              ? name
                  : *layout == 'H' && strcmp(name, "gone") == 0 ? GONE
                                                                : v->usual,
                  bytes, f->converter && !strcmp(f->converter, "ldif"));
    }
}

/* Writes the sources "accounts" and "source", and converts them to "rows".
 * KIND NULL: the users are first, gone and last. Otherwise gone has left, and a
 * user with the bytes is there for each member. */
static void write_rows(const struct format *f, const char *awk,
                       const struct kind *kind)
{
    const char *const layouts[] = { f->entry, f->account };
    struct run_result r;

    for (int i = 0; i < 2 && layouts[i]; i++) {
        const struct slice none = { "", 0 };
        struct buf b;

        buf_init(&b, 1 << 16);
        add_entry(&b, f, layouts[i], "first", '\0', none);
        if (!kind)
            add_entry(&b, f, layouts[i], "gone", '\0', none);
        for (const struct value *v = values; kind && v < values + VALUES; v++)
            if (strstr(f->entry, ((char[]){ '%', v->letter, '\0' })))
                add_entry(&b, f, layouts[i], (char[]){ 'u', v->letter, '\0' },
                          v->letter, kind->bytes);
        add_entry(&b, f, layouts[i], "last", '\0', none);
        files_write(i == 0 ? "source" : "accounts", b.data, b.len, 0600);
        buf_release(&b);
    }
    setenv("CONVERTER", f->converter ? f->converter : "", 1);
    setenv("AWK", awk, 1);
    setenv("IMPORT", BUILD_DIR "/share/sallyport/import", 1);
    run(&r, NULL, "/bin/sh", "-c",
        f->converter
            ? "LC_ALL=C.UTF-8 $AWK -f \"$IMPORT/$CONVERTER\" -- "
              "$(test -e accounts && echo accounts) source >rows 2>errors"
            : "cp source rows",
        NULL);
    cr_expect_eq(r.status, 0, "%s: %s", f->entry, r.text);
    run_release(&r);
}

/* Expects that gone is locked, that the other two stay, and that no restriction
 * is lost. */
static void try_kind(const struct format *f, const char *awk,
                     const struct kind *kind)
{
    static struct run r;
    size_t left = 0;

    write_rows(f, awk, kind);
    run_ctl(&r, "", "user import rows --sync dir --dry-run");
    cr_expect(
        (r.code == 0 || r.code == EX_DATAERR) &&
            strstr(r.out, "user gone: changed; locked: no longer in dir") &&
            strstr(r.out, " 1 locked, 0 unlocked, 2 as before, "),
        "%s %s, kind %zu: %d\n%s%s", awk, f->entry, kind - kinds, r.code, r.out,
        r.err);
    for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n"))
        for (const struct value *v = values; v < values + VALUES; v++)
            if (!strncmp(line,
                         (char[]){ 'u', 's', 'e', 'r', ' ', 'u', v->letter, ':',
                                   '\0' },
                         8)) {
                left++;
                cr_expect(!v->key || strstr(line, v->key) ||
                              strstr(line, "; locked in the source"),
                          "%s", line);
            }
    cr_expect(kind->bytes.len > 0 || left > 1, "%s", f->entry);
}

Test(import, each_kind_of_bytes_in_each_member, WITH_SANITIZERS)
{
    static const char *const awks[] = { "awk", "gawk", "original-awk" };

    /* A short run has the awk of this machine, and the converters take turns
     * at the kinds of bytes. */
    for (size_t i = 0; i < FORMATS * (is_long() ? 3 : 1); i++) {
        const struct format *f = &formats[i % FORMATS];
        const char *awk = awks[i / FORMATS];
        struct run_result r;

        run(&r, NULL, "/bin/sh", "-c", "command -v \"$0\"", awk, NULL);
        run_release(&r);
        if (r.status != 0)
            continue;
        scratch_remove();
        world_make();
        cr_assert_eq(chdir(scratch), 0);
        write_rows(f, awk, NULL);
        expect_out(0, "", "user import rows --sync dir", "3 added, ");
        for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++)
            if (!f->converter      ? true
                : kind->in_columns ? is_long() || kind >= IN_EACH ||
                                         (i + kind - kinds) % 6 == 0
                                   : !strcmp(f->converter, "ldif"))
                try_kind(f, awk, kind);
    }
}
