/* Names and entries that a reply can't contain. */
#include "fake.h"

#define YEAR_20000 568971820800

static const struct {
    const char *command;
    struct msg_facts_are facts;
    int code;
} odd[] = {
    { "MLST x", { .kind = ENTRY_FIFO }, 550 },
    { "MLST x", { .kind = ENTRY_OTHER }, 550 },
    { "MLST x", { .kind = ENTRY_FILE, .mtime = YEAR_20000 }, 250 },
    { "MDTM x", { .kind = ENTRY_FILE, .mtime = YEAR_20000 }, 550 },
    { "MDTM x", { .kind = ENTRY_FIFO }, 550 },
    { "SIZE x", { .kind = ENTRY_OTHER }, 550 },
};

Test(facts, of_odd_entries, LOGGED_IN)
{
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        const struct msg_facts_are *f = &odd[i].facts;

        fake_say(odd[i].command);
        SERVE(&fake.files, facts, facts_are, .kind = f->kind,
              .mtime = f->mtime);
        cr_expect_eq(fake_reply(), odd[i].code, "%zu: %s", i, fake.reply);
        cr_expect(strstr(fake.lines, "modify=") == NULL, "%s", fake.lines);
    }
}

/* A component has at most 255 bytes. */
static const struct {
    const char *command;
    int len, code;
} names[] = {
    { "SITE CHMOD 644 ", 256, 553 },
    { "STOU ", 255, 553 }, /* too long with the part that makes it unique */
};

Test(facts, of_names_that_are_too_long, LOGGED_IN)
{
    char line[512];
    int data;

    data = fake_data();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(line, sizeof(line), "%s%0*d", names[i].command, names[i].len,
                 0);
        fake_say(line);
        cr_expect_eq(fake_reply(), names[i].code, "%zu: %s", i, fake.reply);
    }
    close(data);
}

/* A name that ends in a slash is no file's. Files isn't asked: its answer would
 * permit APPE of the name without the slash. */
Test(facts, site_partial_of_a_directory, LOGGED_IN)
{
    static const char *const lines[] = { "SITE PARTIAL x/", "SITE PARTIAL x/.",
                                         "SITE PARTIAL x/y/..",
                                         "SITE PARTIAL /" };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        fake_do(lines[i], 550);
        cast_hear_nothing(&fake.files, 50);
    }
}
