/* The command line: words and long options in any order, from one table.
 * Pure. */
#include <stddef.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/slice.h"

#include "ctl.h"

static const struct option_row {
    const char *name;
    unsigned bit;
    bool has_value;
    size_t offset; /* in struct arguments */
} rows[] = {
    { "config", OPTION_CONFIG, true, offsetof(struct arguments, config) },
    { "home", OPTION_HOME, true, offsetof(struct arguments, home) },
    { "comment", OPTION_COMMENT, true, offsetof(struct arguments, comment) },
    { "role", OPTION_ROLE, true, offsetof(struct arguments, role) },
    { "uid", OPTION_UID, true, offsetof(struct arguments, uid) },
    { "on-conflict", OPTION_ON_CONFLICT, true,
      offsetof(struct arguments, on_conflict) },
    { "data-binding", OPTION_DATA_BINDING, true,
      offsetof(struct arguments, data_binding) },
    { "certificate", OPTION_CERTIFICATE, true,
      offsetof(struct arguments, certificate) },
    { "login", OPTION_LOGIN, true, offsetof(struct arguments, login) },
    { "older-than", OPTION_OLDER_THAN, true,
      offsetof(struct arguments, older_than) },
    { "all", OPTION_ALL, false, offsetof(struct arguments, all) },
    { "json", OPTION_JSON, false, offsetof(struct arguments, json) },
    { "purge", OPTION_PURGE, false, offsetof(struct arguments, purge) },
    { "yes", OPTION_YES, false, offsetof(struct arguments, yes) },
    { "help", OPTION_HELP, false, offsetof(struct arguments, help) },
    { "version", OPTION_VERSION, false, offsetof(struct arguments, version) },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct option_row *find_row(struct slice name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (slice_equal(name, slice_from(rows[i].name)))
            return &rows[i];
    return NULL;
}

static int usage(struct complaint *c, const char *what, const char *text)
{
    complain(c, "%s: %s; run: sallyportctl --help", text, what);
    return EX_USAGE;
}

/* "--home DIR" or "--home=DIR". *next is the argument behind this one. */
static int take_option(struct arguments *a, const char *text, char ***next,
                       struct complaint *c)
{
    struct slice name, value = slice_from(text + 2);
    const struct option_row *row;
    char *field = (char *)a;

    slice_cut(&value, '=', &name);
    row = find_row(name);
    if (!row)
        return usage(c, "no such option", text);
    if (a->given & row->bit)
        return usage(c, "given twice", text);
    a->given |= row->bit;
    field += row->offset;
    if (!row->has_value) {
        *(bool *)(void *)field = true;
        return value.ptr ? usage(c, "takes no value", text) : 0;
    }
    if (!value.ptr)
        value.ptr = **next ? *(*next)++ : NULL;
    if (!value.ptr)
        return usage(c, "needs a value", text);
    *(const char **)(void *)field = value.ptr;
    return 0;
}

int arguments_parse(struct arguments *a, int argc, char **argv,
                    struct complaint *c)
{
    char **next = argv + (argc > 0);

    *a = (struct arguments){ 0 };
    while (*next) {
        const char *text = *next++;
        int code;

        if (strncmp(text, "--", 2) == 0) {
            code = take_option(a, text, &next, c);
            if (code)
                return code;
        } else if (text[0] == '-') {
            return usage(c, "no such option", text);
        } else if (a->words == sizeof(a->word) / sizeof(a->word[0])) {
            return usage(c, "one argument too many", text);
        } else {
            a->word[a->words++] = text;
        }
    }
    return 0;
}

const char *arguments_beyond(const struct arguments *a, unsigned allowed)
{
    for (size_t i = 0; i < ROWS; i++)
        if (a->given & rows[i].bit & ~allowed)
            return rows[i].name;
    return NULL;
}
