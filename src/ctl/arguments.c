/* The command line: words and long options in any order, from one table, and
 * values that several options have. Pure, except for the help. */
#include "ctl.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/slice.h"

const struct ctl_option ctl_options[] = {
#define OPTION(field, name, value, help)                                       \
    [OPTION_##field] = { name, value, NULL, help },
#define FLAG(field, name, help) [OPTION_##field] = { name, NULL, NULL, help },
#define KEY(field, name, value, help)                                          \
    [OPTION_##field] = { name, value, #field, help },
#include "option_list.h"
};

bool ctl_takes(const struct ctl_command *row, enum option_place option)
{
    const char *name = ctl_options[option].name;
    const size_t len = strlen(name);

    if (option == OPTION_config || option == OPTION_help)
        return true;
    for (const char *at = row->syntax; (at = strstr(at, "--")); at++)
        if (strncmp(at + 2, name, len) == 0 && strchr(" ]", at[2 + len]))
            return true;
    return false;
}

const struct ctl_option *arguments_option(struct slice name)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (slice_equal(name, slice_from(ctl_options[i].name)))
            return &ctl_options[i];
    return NULL;
}

static int usage_error(struct complaint *c, const char *what, const char *text)
{
    complain(c, "%s: %s; run: sallyportctl --help", text, what);
    return EX_USAGE;
}

static int unknown_option(struct complaint *c, const char *text,
                          struct slice name)
{
    const char *names[OPTIONS], *nearest;

    for (size_t i = 0; i < OPTIONS; i++)
        names[i] = ctl_options[i].name;
    nearest = slice_nearest(name, names, OPTIONS);
    if (!nearest)
        return usage_error(c, "no such option", text);
    complain(c, "%s: no such option; did you mean --%s?", text, nearest);
    return EX_USAGE;
}

/* Takes "--home DIR" or "--home=DIR". *next is the argument after TEXT. */
static int take_option(struct arguments *a, const char *text, char ***next,
                       struct complaint *c)
{
    struct slice name, value = slice_from(text + 2);
    const struct ctl_option *row;
    const char **place;

    slice_cut(&value, '=', &name);
    row = arguments_option(name);
    if (!row)
        return unknown_option(c, text, name);
    place = &a->option[row - ctl_options];
    if (*place)
        return usage_error(c, "given twice", text);
    if (!row->value) {
        *place = "";
        return value.ptr ? usage_error(c, "takes no value", text) : 0;
    }
    if (!value.ptr)
        value.ptr = **next ? *(*next)++ : NULL;
    *place = value.ptr;
    return *place ? 0 : usage_error(c, "needs a value", text);
}

/* "log -f", as tail and journalctl have it. */
static bool is_to_follow(const struct arguments *a, const char *text)
{
    return a->words > 0 && strcmp(a->word[0], "log") == 0 &&
           (strcmp(text, "-f") == 0 || strcmp(text, "--follow") == 0);
}

int arguments_parse(struct arguments *a, int argc, char **argv,
                    struct complaint *c)
{
    char **next = argv + (argc > 0);

    *a = (struct arguments){ .word = argv };
    while (*next) {
        const char *text = *next++;
        int code;

        if (strcmp(text, "-o") == 0)
            text = "--output";
        if (is_to_follow(a, text)) {
            complain(c,
                     "%s: no such option; run: journalctl -fu sallyport -o cat "
                     "| sallyportctl log --file -",
                     text);
            return EX_USAGE;
        }
        if (strncmp(text, "--", 2) == 0) {
            code = take_option(a, text, &next, c);
            if (code)
                return code;
        } else if (text[0] == '-' && text[1]) {
            return usage_error(c, "no such option", text);
        } else {
            a->word[a->words++] = next[-1];
        }
    }
    a->word[a->words] = NULL;
    return 0;
}

int arguments_seconds(struct context *x, const char *option, const char *text,
                      uint64_t *ret)
{
    *ret = (uint64_t)user_duration_parse(slice_from(text));
    if (*ret > 0)
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "--%s %s: use a number and s, min, h, d or w, such as 7d; "
                    "at most 99999",
                    option, text);
}

const char *arguments_beyond(const struct arguments *a,
                             const struct ctl_command *row)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (a->option[i] && (!row || !ctl_takes(row, (enum option_place)i)))
            return ctl_options[i].name;
    return NULL;
}
