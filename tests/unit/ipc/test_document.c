/* Holds docs/messages.md to the message list: each message has its line there,
 * with sender, receiver, phases, fields, descriptors and question as in the
 * table, and a word for what it is. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/ipc/message.h"

#define DOCUMENT  SOURCE_DIR "/docs/messages.md"
#define LINE_SIZE 1024

static const struct phase_name {
    unsigned bits;
    const char *name;
} phases[] = {
    { PHASE_START, "start" },     { PHASE_RUN, "run" },
    { PHASE_GREETED, "greeted" }, { PHASE_VERIFY, "verify" },
    { PHASE_USER, "user" },       { PHASE_IDLE, "idle" },
    { PHASE_WRITING, "writing" }, { PHASE_ASKED, "asked" },
};
#define PHASES (sizeof(phases) / sizeof(phases[0]))

static void add(char *line, const char *separator, const char *word)
{
    size_t len = strlen(line);
    bool first = len == 0 || line[len - 1] == ' ';

    snprintf(line + len, LINE_SIZE - len, "%s%s", first ? "" : separator, word);
}

static void add_processes(char *line, unsigned bits)
{
    for (int p = 0; p < PROCESS_COUNT; p++)
        if (bits & PROCESS_BIT(p))
            add(line, ", ", process_name((enum process)p));
}

static void add_phases(char *line, unsigned bits)
{
    unsigned all = 0;

    for (size_t i = 0; i < PHASES; i++)
        all |= phases[i].bits;
    for (size_t i = 0; i < PHASES && bits != all; i++)
        if (bits & phases[i].bits)
            add(line, ", ", phases[i].name);
    if (bits == all)
        add(line, "", "any");
}

/* "| `login` | session | master | greeted | many | - | 0 | - | " */
static void expected(enum message m, char line[LINE_SIZE])
{
    const struct message_row *row = message_row(m);
    char count[16];

    snprintf(line, LINE_SIZE, "| `%s` | ", row->name);
    add_processes(line, row->from);
    add(line, "", " | ");
    add_processes(line, row->to);
    add(line, "", " | ");
    add_phases(line, row->phases);
    add(line, "", row->once ? " | once | " : " | many | ");
    add(line, "", row->fields[0] ? row->fields : "-");
    snprintf(count, sizeof(count), " | %zu | ", row->fds);
    add(line, "", count);
    add(line, "", row->answers ? message_name(row->answers) : "-");
    add(line, "", " | ");
}

static bool is_message_line(const char *line)
{
    return strncmp(line, "| `", 3) == 0;
}

/* The lines are in the order of the list. */
Test(document, every_message_has_its_line)
{
    char want[LINE_SIZE], line[LINE_SIZE];
    FILE *f = fopen(DOCUMENT, "r");
    unsigned m = MSG_NONE + 1;

    cr_assert(f, "%s", DOCUMENT);
    while (fgets(line, sizeof(line), f)) {
        if (!is_message_line(line))
            continue;
        cr_assert_lt(m, MSG_COUNT, "one too many: %s", line);
        expected((enum message)m++, want);
        cr_assert(strncmp(line, want, strlen(want)) == 0,
                  "docs/messages.md says\n  %sand the list\n  %s", line, want);
        cr_assert_gt(strlen(line), strlen(want) + 4, "no word on %s", want);
    }
    fclose(f);
    cr_assert_eq(m, MSG_COUNT, "the next line is missing in docs/messages.md");
}

/* Until the table of phases above knows a new one. */
Test(document, phases_are_known)
{
    unsigned known = 0;

    for (size_t i = 0; i < PHASES; i++)
        known |= phases[i].bits;
    for (unsigned m = MSG_NONE + 1; m < MSG_COUNT; m++)
        cr_assert_eq(message_row(m)->phases & ~known, 0, "%s", message_name(m));
}
