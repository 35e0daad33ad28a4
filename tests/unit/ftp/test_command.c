/* The table of commands: well formed, complete, and the source of FEAT, HELP
 * and every check; finding a row, and splitting a request. */
#include <ctype.h>

#include "sallyport/domain/rights.h"
#include "sallyport/ftp/command.h"
#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/reply.h"
#include "support/test.h"

static const struct command *find(const char *name)
{
    return command_find(slice_from(name));
}

static void expect_text(const char *text, const char *expected)
{
    cr_expect_str_eq(text, expected, "%s\ninstead of\n%s", text, expected);
}

Test(command, sorted_and_unique)
{
    for (size_t i = 1; i < command_count; i++)
        cr_expect_lt(strcmp(command_table[i - 1].name, command_table[i].name),
                     0, "%s", command_table[i].name);
}

static void check_row(const struct command *c)
{
    size_t len = strlen(c->name);
    bool refused = c->flags & COMMAND_REFUSED;

    cr_expect(len == 3 || len == 4 || (len == 7 && c->name[0] == 'X'), "%s",
              c->name);
    for (size_t i = 0; i < len; i++)
        cr_expect(isupper((unsigned char)c->name[i]) ||
                      (i > 3 && isdigit((unsigned char)c->name[i])),
                  "%s", c->name);
    cr_expect(c->verb > VERB_NONE && c->verb < VERB_COUNT, "%s", c->name);
    cr_expect_eq(c->rights & ~(unsigned)RIGHT_ALL, 0u, "%s", c->name);
    cr_assert_not_null(c->help, "%s", c->name);
    cr_expect_eq(strncmp(c->help, c->name, len), 0, "%s", c->help);
    cr_expect(c->help[len] == 0 || c->help[len] == ' ', "%s", c->help);
    if (c->argument == ARGUMENT_NONE)
        cr_expect_eq(c->help[len], 0, "%s takes nothing", c->help);
    if (c->argument == ARGUMENT_REQUIRED || c->argument == ARGUMENT_PATH)
        cr_expect_eq(c->help[len], ' ', "%s takes something", c->help);
    if (refused) {
        cr_expect_neq(c->reply, 0, "%s", c->name);
        cr_assert_lt(c->reply, REPLY_COUNT, "%s", c->name);
        cr_expect_geq(reply_code((enum reply)c->reply), 500u, "%s", c->name);
        cr_expect(c->flags & COMMAND_HIDDEN, "%s", c->name);
        cr_expect_null(c->feat, "%s", c->name);
    }
    if (c->rights || c->data != DATA_NONE || c->argument == ARGUMENT_PATH)
        cr_expect_eq(c->phase, COMMAND_LOGGED_IN, "%s", c->name);
    if (c->data != DATA_NONE)
        cr_expect_neq(c->rights, 0u, "%s", c->name);
}

Test(command, every_row_is_well_formed)
{
    for (size_t i = 0; i < command_count; i++)
        check_row(&command_table[i]);
}

Test(command, every_verb_has_a_row)
{
    bool seen[VERB_COUNT] = { false };

    for (size_t i = 0; i < command_count; i++)
        seen[command_table[i].verb] = true;
    for (unsigned v = VERB_NONE + 1; v < VERB_COUNT; v++)
        cr_expect(seen[v], "verb %u", v);
    cr_expect_not(seen[VERB_NONE]);
}

/* An alias differs from its command only in its name. */
Test(command, aliases)
{
    static const char *const table[][2] = { { "XPWD", "PWD" },
                                            { "XCWD", "CWD" },
                                            { "XCUP", "CDUP" },
                                            { "XMKD", "MKD" },
                                            { "XRMD", "RMD" } };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        const struct command *x = find(table[i][0]), *c = find(table[i][1]);

        cr_assert(x && c);
        cr_expect_eq(x->verb, c->verb, "%s", x->name);
        cr_expect_eq(x->phase, c->phase, "%s", x->name);
        cr_expect_eq(x->argument, c->argument, "%s", x->name);
        cr_expect_eq(x->rights, c->rights, "%s", x->name);
        cr_expect_eq(x->flags, c->flags | COMMAND_HIDDEN, "%s", x->name);
        cr_expect_null(x->feat, "%s", x->name);
    }
}

/* A listing of a drop is empty, but it isn't refused. */
#define SEES (RIGHT_LIST | RIGHT_WRITE)

Test(command, rights)
{
    static const struct {
        const char *name;
        unsigned rights;
    } table[] = {
        { "LIST", SEES },
        { "NLST", SEES },
        { "MLSD", SEES },
        { "MLST", SEES },
        { "SIZE", SEES },
        { "MDTM", SEES },
        { "MFMT", RIGHT_WRITE },
        { "STOU", RIGHT_WRITE },
        { "AVBL", RIGHT_WRITE },
        { "ALLO", RIGHT_WRITE },
        { "RETR", RIGHT_READ },
        { "HASH", RIGHT_READ | RIGHT_WRITE },
        { "XCRC", RIGHT_READ },
        { "XSHA256", RIGHT_READ },
        { "XSHA512", RIGHT_READ },
        { "STOR", RIGHT_WRITE },
        { "APPE", RIGHT_WRITE },
        { "DELE", RIGHT_DELETE },
        { "RNFR", RIGHT_RENAME },
        { "RNTO", RIGHT_RENAME },
        { "MKD", RIGHT_DIRECTORY },
        { "RMD", RIGHT_DIRECTORY },
        { "XMKD", RIGHT_DIRECTORY },
        { "XRMD", RIGHT_DIRECTORY },
    };
    unsigned rows = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        cr_assert_not_null(find(table[i].name));
        cr_expect_eq(find(table[i].name)->rights, table[i].rights, "%s",
                     table[i].name);
    }
    for (size_t i = 0; i < command_count; i++)
        rows += command_table[i].rights != 0;
    cr_expect_eq(rows, sizeof(table) / sizeof(*table), "no other row");
}

/* The reply to a command without the right names each right that would
 * suffice. */
Test(command, lacks)
{
    static const struct {
        unsigned rights;
        const char *words;
    } table[] = {
        { RIGHT_LIST, "no right to list (l)" },
        { RIGHT_READ, "no right to read (r)" },
        { RIGHT_WRITE, "no right to upload (w)" },
        { RIGHT_REPLACE, "no right to overwrite (o)" },
        { RIGHT_DELETE, "no right to delete (d)" },
        { RIGHT_RENAME, "no right to rename (n)" },
        { RIGHT_DIRECTORY, "no right to make and remove directories (m)" },
        { RIGHT_LIST | RIGHT_WRITE, "no right to list (l) or upload (w)" },
        { RIGHT_ALL,
          "no right to list (l) or read (r) or upload (w) or overwrite (o) or "
          "delete (d) or rename (n) or make and remove directories (m)" },
        { 0, "no right to do this" },
    };
    char out[COMMAND_LACKS_MAX];

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        cr_expect_str_eq(command_lacks(table[i].rights, out), table[i].words);
}

/* The security promises of the table, each as the complete list of the rows in
 * one phase (a row that is always refused has none), or with one flag. */
static const struct {
    enum command_phase phase;
    unsigned flag; /* 0: the phase counts */
    const char *names;
} promises[] = {
    { COMMAND_ALWAYS, 0, "AUTH FEAT HELP HOST NOOP QUIT SYST " },
    { COMMAND_SECURED, 0, "CLNT CSID OPTS PBSZ PROT USER " },
    { COMMAND_NAMED, 0, "PASS " },
    { 0, COMMAND_IN_TRANSFER, "ABOR NOOP QUIT STAT " },
    { 0, COMMAND_SECRET, "ACCT ADAT CONF ENC MIC PASS " },
    { 0, COMMAND_REFUSED, "ACCT ADAT CCC CONF ENC EPRT MIC PORT REIN SMNT " },
    { 0, COMMAND_KEEPS_RNFR, "NOOP RNTO " },
};

Test(command, what_is_allowed_when)
{
    for (size_t n = 0; n < sizeof(promises) / sizeof(promises[0]); n++) {
        char names[256] = "";

        for (size_t i = 0; i < command_count; i++) {
            const struct command *c = &command_table[i];

            if (promises[n].flag ? !(c->flags & promises[n].flag)
                                 : c->phase != promises[n].phase ||
                                       c->flags & COMMAND_REFUSED)
                continue;
            strcat(strcat(names, c->name), " ");
        }
        expect_text(names, promises[n].names);
    }
    cr_expect_eq(find("CCC")->reply, REPLY_POLICY);
    cr_expect_eq(find("PORT")->reply, REPLY_NO_ACTIVE);
    cr_expect_eq(find("EPRT")->reply, REPLY_NO_ACTIVE);
    cr_expect_eq(find("REIN")->reply, REPLY_NOT_IMPLEMENTED);
}

/* Commands that real clients send between REST and the transfer, and commands
 * after which a pending REST must be gone. */
Test(command, rest)
{
    static const char *const keep[] = { "REST", "RETR", "STOR", "APPE", "PASV",
                                        "EPSV", "PORT", "EPRT", "TYPE", "SIZE",
                                        "MDTM", "NOOP", "ALLO", "STAT", "PRET",
                                        "MFMT", "CLNT", "SITE", "RANG" };
    static const char *const reset[] = { "LIST", "MLSD", "NLST", "CWD",
                                         "DELE", "RNFR", "RNTO", "MKD",
                                         "ABOR", "USER", "STOU", "HASH" };

    for (size_t i = 0; i < sizeof(keep) / sizeof(*keep); i++)
        cr_expect(find(keep[i])->flags & COMMAND_KEEPS_REST, "%s", keep[i]);
    for (size_t i = 0; i < sizeof(reset) / sizeof(*reset); i++)
        cr_expect_not(find(reset[i])->flags & COMMAND_KEEPS_REST, "%s",
                      reset[i]);
}

Test(command, find)
{
    static const char *const unknown[] = { "",        "N",    "NO",    "NOO",
                                           "NOOPX",   "XXXX", "RETRR", "NO P",
                                           "N\xcfOP", "STO",  "SITEX", "@@@@" };

    for (size_t i = 0; i < command_count; i++) {
        char lower[8] = { 0 };

        for (size_t n = 0; command_table[i].name[n]; n++)
            lower[n] = (char)(command_table[i].name[n] | (n % 2 ? 0x20 : 0));
        cr_expect_eq(find(command_table[i].name), &command_table[i]);
        cr_expect_eq(find(lower), &command_table[i], "%s", lower);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
        cr_expect_null(find(unknown[i]), "\"%s\"", unknown[i]);
    cr_expect_null(command_find(SLICE("CWD\0")));
    cr_expect_null(command_find((struct slice){ NULL, 0 }));
}

Test(command, request)
{
    static const struct {
        struct slice line, verb, argument;
        const char *name;
    } table[] = {
        { SLICE("NOOP"), SLICE("NOOP"), SLICE(""), "NOOP" },
        { SLICE("pwd "), SLICE("pwd"), SLICE(""), "PWD" },
        { SLICE("RETR a b"), SLICE("RETR"), SLICE("a b"), "RETR" },
        { SLICE("RETR  a "), SLICE("RETR"), SLICE(" a "), "RETR" },
        { SLICE("RETR\ta"), SLICE("RETR\ta"), SLICE(""), NULL },
        { SLICE("CWD \xff\xf4"), SLICE("CWD"), SLICE("\xff\xf4"), "CWD" },
        { SLICE(" NOOP"), SLICE(""), SLICE("NOOP"), NULL },
        { SLICE(""), SLICE(""), SLICE(""), NULL },
        { { NULL, 0 }, SLICE(""), SLICE(""), NULL },
        { SLICE("SITE CHMOD 777 x"), SLICE("SITE"), SLICE("CHMOD 777 x"),
          "SITE" },
        { SLICE("\xff\xf4\xff\xf2"
                "ABOR"),
          SLICE("ABOR"), SLICE(""), "ABOR" },
        { SLICE("\xff\xf2"
                "STAT"),
          SLICE("STAT"), SLICE(""), "STAT" },
        { SLICE("\xff\xf4"), SLICE(""), SLICE(""), NULL },
        { SLICE("\xff"
                "ABOR"),
          SLICE("\xff"
                "ABOR"),
          SLICE(""), NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct request q;

        command_parse(table[i].line, &q);
        cr_expect(slice_equal(q.verb, table[i].verb), "row %zu", i);
        cr_expect(slice_equal(q.argument, table[i].argument), "row %zu", i);
        cr_expect(q.verb.ptr && q.argument.ptr, "row %zu", i);
        cr_expect_eq(q.command, table[i].name ? find(table[i].name) : NULL,
                     "row %zu", i);
    }
}

static const struct choices all = { .facts = LISTING_ALL };

Test(command, feat)
{
    static const char expected[] = "211-Features:\r\n"
                                   " AUTH TLS\r\n"
                                   " AUTH SSL\r\n"
                                   " AVBL\r\n"
                                   " CLNT\r\n"
                                   " CSID\r\n"
                                   " TVFS\r\n"
                                   " EPSV\r\n"
                                   " HASH SHA-256*;SHA-512\r\n"
                                   " HOST\r\n"
                                   " MDTM\r\n"
                                   " MFMT\r\n"
                                   " MLST type*;size*;modify*;perm*;unique*;"
                                   "UNIX.mode*;UNIX.ownername*;\r\n"
                                   " UTF8\r\n"
                                   " PBSZ\r\n"
                                   " PROT\r\n"
                                   " RANG STREAM\r\n"
                                   " REST STREAM\r\n"
                                   " SIZE\r\n"
                                   " STOR conflict=overwrite*;rename;reject\r\n"
                                   " XCRC\r\n"
                                   " XSHA256\r\n"
                                   " XSHA512\r\n"
                                   "211 End\r\n";
    struct buf b;

    buf_init(&b, 4096);
    cr_assert_eq(reply_begin(&b, REPLY_FEAT), 0);
    command_feat(&all, &b);
    cr_assert_eq(reply_end(&b, REPLY_FEAT), 0);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    expect_text(b.data, expected);
    buf_release(&b);
}

/* A session sees the settings, and its own choices. */
Test(command, feat_by_choices)
{
    static const struct {
        struct choices choices;
        const char *lines;
    } rows[] = {
        { { .mode_z = true }, ";\r\n MODE Z\r\n UTF8\r\n" },
        { { .facts = LISTING_SIZE | LISTING_MODE },
          " MLST "
          "type;size*;modify;perm;unique;UNIX.mode*;UNIX.ownername;\r\n" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b;

        buf_init(&b, 4096);
        command_feat(&rows[i].choices, &b);
        cr_assert_eq(buf_add(&b, "", 1), 0);
        cr_expect(strstr(b.data, rows[i].lines), "%s", b.data);
        buf_release(&b);
    }
}

Test(command, names)
{
    cr_expect_str_eq(command_name(VERB_STOU), "STOU");
    cr_expect_str_eq(command_name(VERB_PWD), "PWD");
    cr_expect_str_eq(command_name(VERB_NONE), "?");
}

Test(command, help)
{
    static const char expected[] =
        " ABOR ALLO APPE AUTH AVBL CDUP CLNT CSID\r\n"
        " CWD DELE EPSV FEAT HASH HELP HOST LIST\r\n"
        " MDTM MFMT MKD MLSD MLST MODE NLST NOOP\r\n"
        " OPTS PASS PASV PBSZ PRET PROT PWD QUIT\r\n"
        " RANG REST RETR RMD RNFR RNTO SITE SIZE\r\n"
        " STAT STOR STOU STRU SYST TYPE USER XCRC\r\n"
        " XSHA256 XSHA512\r\n";
    struct buf b;

    buf_init(&b, 4096);
    cr_assert_eq(command_help(SLICE(""), &b), 0);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    expect_text(b.data, expected);
    buf_release(&b);
}

Test(command, help_of_one)
{
    struct buf b;

    buf_init(&b, 4096);
    cr_assert_eq(command_help(SLICE("retr"), &b), 0);
    cr_assert_eq(command_help(SLICE(" XCUP "), &b), 0);
    cr_expect(slice_equal(buf_slice(&b), SLICE(" RETR path\r\n XCUP\r\n")));
    buf_clear(&b);
    cr_expect_eq(command_help(SLICE("ACIDBITCHEZ"), &b), -EINVAL);
    cr_expect_eq(command_help(SLICE("RETR x"), &b), -EINVAL);
    cr_expect_eq(b.len, 0);
    buf_release(&b);
}

Test(site, rows)
{
    static const unsigned rights[SITE_COUNT] = {
        [SITE_CHMOD] = RIGHT_WRITE | RIGHT_REPLACE,
        [SITE_PARTIAL] = RIGHT_WRITE,
        [SITE_QUOTA] = RIGHT_WRITE,
    };

    for (size_t i = 0; i < SITE_COUNT; i++) {
        const struct site_command *row = &site_table[i];
        char start[32];

        snprintf(start, sizeof(start), "SITE %s%s", row->name,
                 row->argument == ARGUMENT_NONE ? "" : " ");
        cr_expect_eq(strncmp(row->help, start, strlen(start)), 0, "%s",
                     row->help);
        cr_expect_eq((size_t)row->verb, i, "%s: sorted by name", row->name);
        cr_expect_eq(row->secret, i == SITE_PSWD, "%s", row->name);
        cr_expect_eq(row->rights, rights[i], "%s", row->name);
        if (i > 0)
            cr_expect_lt(strcmp(site_table[i - 1].name, row->name), 0);
    }
}

Test(site, find)
{
    cr_expect_eq(site_find(SLICE("chmod")), site_find(SLICE("CHMOD")));
    cr_expect_null(site_find(SLICE("EXEC")));
    cr_expect_null(site_find(SLICE("CHMO")));
    cr_expect_null(site_find(SLICE("")));
}

Test(site, help)
{
    static const char expected[] =
        " SITE CHMOD mode path\r\n"
        " SITE HELP\r\n"
        " SITE PARTIAL path\r\n"
        " SITE PSWD old new | SITE PSWD \"old\" \"new\" (in quotes, \"\" is a "
        "\")\r\n"
        " SITE QUOTA [path]\r\n";
    struct buf b;

    buf_init(&b, 1024);
    site_help(&b);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    expect_text(b.data, expected);
    buf_clear(&b);
    cr_assert_eq(command_help(SLICE("SITE"), &b), 0);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    cr_expect(strstr(b.data, expected), "%s", b.data);
    buf_release(&b);
}

/* An argument, and its words; "!" is a mistake. */
static const struct {
    const char *argument, *word[3];
} arguments[] = {
    { "old new", { "old", "new", NULL } },
    { "old new third", { "old", "new", "third" } },
    { "old  new", { "old", "!", NULL } },
    { "old ", { "old", "!", NULL } },
    { "old", { "old", NULL, NULL } },
    { "\"my old\" new", { "my old", "new", NULL } },
    { "o\"l\"d n\"", { "o\"l\"d", "n\"", NULL } },
    { "\"a \"\"b\"\" c\" \"\"", { "a \"b\" c", "", NULL } },
    { "\"\"\"\" \"x\"", { "\"", "x", NULL } },
    { "\"old\"new", { "!", NULL, NULL } },
    { "\"old\"  new", { "old", "!", NULL } },
    { "\"old new", { "!", NULL, NULL } },
    { "\"old\"\"", { "!", NULL, NULL } },
    { "\"", { "!", NULL, NULL } },
    { "\"\"\"", { "!", NULL, NULL } },
    { " old", { "!", NULL, NULL } },
};

Test(secret, words)
{
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        struct slice rest = slice_from(arguments[i].argument);
        bool wrong = false;

        for (int w = 0; w < 3 && rest.ptr && !wrong; w++) {
            const char *expected = arguments[i].word[w];
            struct secret got;

            wrong = command_secret(&rest, &got) < 0;
            cr_assert(expected, "row %zu: another word", i);
            cr_expect_eq(wrong, strcmp(expected, "!") == 0, "row %zu", i);
            if (!wrong)
                cr_expect_str_eq(got.bytes, expected, "row %zu", i);
            if (!wrong)
                cr_expect_eq(got.len, strlen(expected));
        }
    }
}

/* Too long for any password, and it stays so. */
Test(secret, long_ones_are_cut)
{
    char text[2 * SECRET_MAX + 3];
    struct slice rest = { text, sizeof(text) };
    struct secret got;

    memset(text, 'x', sizeof(text));
    cr_assert_eq(command_secret(&rest, &got), 0);
    cr_expect_eq(got.len, SECRET_MAX);
    text[0] = text[sizeof(text) - 1] = '"';
    rest = (struct slice){ text, sizeof(text) };
    cr_assert_eq(command_secret(&rest, &got), 0);
    cr_expect_eq(got.len, SECRET_MAX);
    cr_expect_eq(got.bytes[SECRET_MAX], '\0');
}
