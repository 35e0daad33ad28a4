/* "check": prints everything that is wrong, or will be soon. sallyportd --check
 * looks at the configuration and what it names; "status" has the state of the
 * running server. */
#include "rows.h"

#include "sallyport/base/execute.h"
#include "sallyport/base/harmless.h"

#define CHECK_MS 90000 /* --check itself waits 60 s for homes */
#define ASK_MS   8000  /* monitors wait 10 s */

enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL };

struct checked {
    json_t *list;
    int worst;
};

static void check_found(struct checked *k, const char *level, json_t *text)
{
    const int found = !strcmp(level, LEVEL_CRITICAL)  ? CHECK_CRITICAL
                      : !strcmp(level, LEVEL_WARNING) ? CHECK_WARNING
                                                      : CHECK_OK;

    if (found > k->worst)
        k->worst = found;
    if (json_array_append_new(
            k->list, json_pack("{s:s, s:o}", "level", level, "text", text)) < 0)
        fail_no_memory();
}

/* A line of --check. */
static void check_line(struct checked *k, struct slice line)
{
    static const struct {
        const char *has, *level;
    } kinds[] = {
        { "hint: ", LEVEL_WARNING },
        { "warning: ", LEVEL_WARNING },
        { "weaker: ", LEVEL_OK },
        { "as allow_weaker permits", LEVEL_OK },
        { "configuration is fine", LEVEL_OK },
    };
    const struct slice title = SLICE("sallyportd: ");
    const char *level = LEVEL_CRITICAL;
    char text[2 * COMPLAINT_MAX];

    if (slice_starts(line, title))
        line = (struct slice){ line.ptr + title.len, line.len - title.len };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (memmem(line.ptr, line.len, kinds[i].has, strlen(kinds[i].has)))
            level = kinds[i].level;
    snprintf(text, sizeof(text), "%.*s", (int)line.len, line.ptr);
    harmless_make(text, strlen(text));
    check_found(k, level, json_text(text));
}

/* sallyportd is beside this program. */
static void check_installation(struct checked *k)
{
    static char out[EXECUTE_OUTPUT_MAX];
    char program[PATH_MAX], late[PATH_MAX + 64];
    const char *const argv[] = { program, "--check", "--config",
                                 ctl.settings.file, NULL };
    struct slice rest, line;
    int status;

    ctl_beside("sallyportd", program);
    status = execute_program(argv, CHECK_MS, out, sizeof(out));
    rest = slice_from(out);
    while (slice_cut(&rest, '\n', &line))
        if (line.len > 0)
            check_line(k, line);
    if (status >= 0 && status != EX_UNAVAILABLE)
        return;
    snprintf(late, sizeof(late), "%s --check %s", program,
             status < 0 ? "doesn't end in time" : "can't be executed");
    check_found(k, LEVEL_CRITICAL, json_text(late));
}

void check_run(void)
{
    static const struct output_field columns[] = {
        { .title = "LEVEL", .key = "level", .width = -8 },
        { .title = "TEXT", .key = "text" },
        { 0 },
    };
    struct checked k = { .list = json_array(), .worst = CHECK_OK };
    struct complaint why;
    json_t *status, *one;
    size_t i;

    check_installation(&k);
    ctl.patience = ASK_MS;
    if (status_read(&status, &why))
        check_found(&k, LEVEL_CRITICAL, json_text(why.text));
    json_array_foreach(json_object_get(status, "attention"), i, one)
    {
        check_found(&k, text_of(one, "level", ""),
                    json_incref(json_object_get(one, "text")));
    }
    json_decref(status);
    table_print(k.list, columns, NULL);
    json_decref(k.list);
    ctl_status = k.worst;
}
