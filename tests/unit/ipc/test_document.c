/* Compares docs/messages.md with the message list: after its introduction the
 * page is what this program writes. SALLYPORT_REGENERATE=1 writes it again: run
 * the program once in this way after a change of the list. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/buf.h"
#include "sallyport/ipc/channel.h"

#define DOCUMENT SOURCE_DIR "/docs/messages.md"
#define MARK     "<!-- From here on written by unit_ipc from ipc/list.h. -->\n"

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

static const char *const types[TYPE_TYPES] = {
    [TYPE_NUMBER] = "number", [TYPE_TIME] = "time",
    [TYPE_FLAG] = "flag",     [TYPE_ENUM] = "one of",
    [TYPE_ERRNO] = "errno",   [TYPE_ADDRESS] = "address",
    [TYPE_WORD] = "word",     [TYPE_TEXT] = "text",
    [TYPE_PATH] = "path",     [TYPE_SECRET] = "secret",
    [TYPE_KEY] = "key",       [TYPE_BYTES] = "bytes",
    [TYPE_FD] = "descriptor",
};

/* The headings and the messages, in the order of the list. */
static const struct line {
    const char *title, *introduction;
    enum message_kind kind;
} lines[] = {
#define SECTION(title, introduction) { title, introduction, MSG_NONE },
#define MESSAGE(name, ...)           { NULL, NULL, MSG_##name },
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
};
#define LINES (sizeof(lines) / sizeof(lines[0]))

static void add_processes(struct buf *page, unsigned bits)
{
    const char *comma = "";

    for (int p = 0; p < PROCESS_COUNT; p++)
        if (bits & PROCESS_BIT(p)) {
            buf_add_format(page, "%s%s", comma, process_name((enum process)p));
            comma = ", ";
        }
    buf_add_text(page, " | ");
}

static void add_phases(struct buf *page, unsigned bits)
{
    const char *comma = "";
    unsigned all = 0;

    for (size_t i = 0; i < PHASES; i++)
        all |= phases[i].bits;
    for (size_t i = 0; i < PHASES && bits != all; i++)
        if (bits & phases[i].bits) {
            buf_add_format(page, "%s%s", comma, phases[i].name);
            comma = ", ";
        }
    buf_add_text(page, bits == all ? "any | " : " | ");
}

static void add_fields(struct buf *page, const struct message_row *row)
{
    const struct message_field *f = row->fields();
    const char *comma = "";

    if (f->type == TYPE_END)
        buf_add_text(page, "-");
    for (; f->type != TYPE_END; f++) {
        buf_add_format(page, "%s`%s` %s", comma, f->name, types[f->type]);
        if (f->type == TYPE_ENUM)
            buf_add_format(page, " %llu", (unsigned long long)f->count);
        comma = ", ";
    }
}

/* "| `login` | session | master | greeted | many | - | - | a user gave … |" */
static void add_message(struct buf *page, enum message_kind kind)
{
    const struct message_row *row = message_row(kind);

    buf_add_format(page, "| `%s` | ", row->name);
    add_processes(page, row->from);
    add_processes(page, row->to);
    add_phases(page, row->phases);
    buf_add_text(page, row->once ? "once | " : "many | ");
    add_fields(page, row);
    buf_add_format(page, " | %s | %s |\n",
                   row->answers ? message_name(row->answers) : "-",
                   row->purpose);
}

static void add_heading(struct buf *page, const struct line *l)
{
    buf_add_format(page, "\n## %s\n", l->title);
    if (l->introduction)
        buf_add_format(page, "\n%s\n", l->introduction);
    buf_add_text(page, "\n| message | from | to | phase | how often | fields | "
                       "answers | for |\n|---|---|---|---|---|---|---|---|\n");
}

static void read_document(struct buf *into)
{
    FILE *f = fopen(DOCUMENT, "r");
    int c;

    cr_assert_not_null(f, DOCUMENT);
    while ((c = getc(f)) != EOF)
        buf_add(into, &(char){ (char)c }, 1);
    fclose(f);
}

static void write_document(struct slice introduction, const struct buf *page)
{
    FILE *f = fopen(DOCUMENT, "w");

    cr_assert_not_null(f, DOCUMENT);
    fwrite(introduction.ptr, 1, introduction.len, f);
    fwrite(page->data, 1, page->len, f);
    fclose(f);
}

Test(document, is_what_the_list_says)
{
    struct buf found, page;
    const char *mark;

    buf_init(&found, 1 << 20);
    buf_init(&page, 1 << 20);
    for (size_t i = 0; i < LINES; i++)
        if (lines[i].title)
            add_heading(&page, &lines[i]);
        else
            add_message(&page, lines[i].kind);
    read_document(&found);
    buf_add(&found, "", 1);
    mark = strstr(found.data, MARK);
    cr_assert_not_null(mark, "the mark is missing in docs/messages.md");
    mark += strlen(MARK);
    if (getenv("SALLYPORT_REGENERATE"))
        write_document(
            (struct slice){ found.data, (size_t)(mark - found.data) }, &page);
    else
        cr_expect(slice_equal(slice_from(mark), buf_slice(&page)),
                  "docs/messages.md differs from include/sallyport/ipc/list.h; "
                  "run unit_ipc with SALLYPORT_REGENERATE=1 and look at the "
                  "difference");
    buf_release(&page);
    buf_release(&found);
}

/* Fails until the table of phases above knows a new one. */
Test(document, phases_are_known)
{
    unsigned known = 0;

    for (size_t i = 0; i < PHASES; i++)
        known |= phases[i].bits;
    for (unsigned m = MSG_NONE + 1; m < MSG_COUNT; m++)
        cr_assert(!message_row(m) || !(message_row(m)->phases & ~known), "%s",
                  message_name(m));
}
