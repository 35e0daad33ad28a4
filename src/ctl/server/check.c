/* "check": prints everything that is wrong, or soon will be. Runs sallyportd
 * --check, which examines the configuration and all that it names; and asks the
 * running server, as "status" does. */
#include "rows.h"

#include <errno.h>

#include "sallyport/base/execute.h"

#define CHECK_MS 90000 /* ms; the supervisor of --check waits 60 s */
#define ASK_MS   8000  /* ms; monitors wait 10 s */

/* Adds a line of --check to LIST, with the level that its words mean. */
static void check_line(json_t *list, struct slice line)
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

    if (slice_starts(line, title))
        line = (struct slice){ line.ptr + title.len, line.len - title.len };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (memmem(line.ptr, line.len, kinds[i].has, strlen(kinds[i].has)))
            level = kinds[i].level;
    attend(list, level, "%.*s", (int)line.len, line.ptr);
}

/* Runs sallyportd --check, and adds its lines to LIST. */
static void check_installation(json_t *list)
{
    static char out[EXECUTE_OUTPUT_MAX];
    char program[PATH_MAX];
    const char *const argv[] = { program, "--check", "--config",
                                 ctl.settings.file, NULL };
    struct slice rest, line;
    int status;

    ctl_beside("sallyportd", program);
    status = execute_program(argv, CHECK_MS, true, out, sizeof(out));
    rest = slice_from(out);
    while (slice_cut(&rest, '\n', &line)) /* the last one may be cut */
        if (line.len > 0 && (rest.len > 0 || status != -EFBIG))
            check_line(list, line);
    if (status == -EFBIG)
        attend(list, LEVEL_CRITICAL,
               "there is more to mend; to see it all run: sallyportd --check "
               "--config %s",
               ctl.settings.file);
    else if (status < 0 || status == EX_UNAVAILABLE)
        attend(list, LEVEL_CRITICAL, "%s --check %s", program,
               status < 0 ? "doesn't end in time" : "can't be executed");
}

void check_run(void)
{
    static const struct output_field columns[] = {
        { .title = "LEVEL", .key = "level", .width = -8 },
        { .title = "TEXT", .key = "text" },
        { 0 },
    };
    json_t *list = json_array(), *status, *one;
    struct complaint why;
    size_t i;

    check_installation(list);
    ctl.patience = ASK_MS;
    if (status_read(&status, &why))
        attend(list, LEVEL_CRITICAL, "%s", why.text);
    else if (json_array_extend(list, json_object_get(status, "attention")) < 0)
        fail_no_memory();
    json_decref(status);
    table_print(list, columns, NULL);
    json_array_foreach(list, i, one)
    {
        const char *level = text_of(one, "level", "");
        const int found = !strcmp(level, LEVEL_CRITICAL)  ? 2
                          : !strcmp(level, LEVEL_WARNING) ? 1
                                                          : 0;

        ctl_status = found > ctl_status ? found : ctl_status;
    }
    json_decref(list);
}
