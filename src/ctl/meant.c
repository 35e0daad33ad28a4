/* Words that are no command or option: what was probably meant by them. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define COMMANDS_MAX 64
#define NAME_MOST    32

/* Words of other programs, and the ones of this table of commands. */
static const char *const usual[][2] = {
    { "create", "add" },    { "new", "add" },       { "delete", "del" },
    { "remove", "del" },    { "rm", "del" },        { "disable", "lock" },
    { "enable", "unlock" }, { "modify", "change" }, { "edit", "change" },
    { "mv", "rename" },     { "ls", "list" },       { "info", "show" },
};

/* What is no command of this program at all. */
static const struct {
    const char *word, *run;
} elsewhere[] = {
    { "start", "systemctl start sallyport" },
    { "stop", "systemctl stop sallyport" },
    { "restart", "systemctl restart sallyport; new settings and certificates "
                 "need only: sallyportctl reload" },
    { "version", "sallyportctl --version" },
    { "useradd", "sallyportctl user add NAME" },
    { "adduser", "sallyportctl user add NAME" },
    { "userdel", "sallyportctl user del NAME" },
    { "deluser", "sallyportctl user del NAME" },
    { "unban", "sallyportctl ban del ADDRESS" },
    { "sessions", "sallyportctl who" },
    { "users", "sallyportctl user list" },
    { "paths", "sallyportd --check, which prints what permits a directory" },
};

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

bool meant_is_group(const char *word)
{
    for (size_t i = 0; i < ctl_command_count; i++)
        if (strcmp(ctl_commands[i].group, word) == 0)
            return true;
    return false;
}

static const char *usual_word(const char *word)
{
    for (size_t i = 0; i < LENGTH(usual); i++)
        if (strcmp(usual[i][0], word) == 0)
            return usual[i][1];
    return word;
}

/* The first command of GROUP (NULL: of any) whose second word this is. */
static const struct ctl_command *named(const char *group, const char *word)
{
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        if (row->name && strcmp(row->name, word) == 0 &&
            (!group || strcmp(row->group, group) == 0))
            return row;
    }
    return NULL;
}

/* The nearest word: a first one, or a second one of GROUP. */
static const char *nearest_word(const char *group, const char *word)
{
    const char *words[COMMANDS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < ctl_command_count && n < COMMANDS_MAX; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        if (!group)
            words[n++] = row->group;
        else if (row->name && strcmp(row->group, group) == 0)
            words[n++] = row->name;
    }
    return n == 0 ? NULL : slice_nearest(slice_from(word), words, n);
}

/* Writes the command that was probably meant. Returns false: none is like it.
 */
static bool guess(const char *group, const char *word, char out[NAME_MOST])
{
    const struct ctl_command *row = named(group, usual_word(word));
    const char *nearest = row ? NULL : nearest_word(group, word);

    if (!row && !nearest)
        return false;
    if (row)
        snprintf(out, NAME_MOST, "%s %s", row->group, row->name);
    else
        snprintf(out, NAME_MOST, "%s%s%s", group ? group : "", group ? " " : "",
                 nearest);
    return true;
}

static const char *run_instead(const char *group, const char *word)
{
    for (size_t i = 0; !group && i < LENGTH(elsewhere); i++)
        if (strcmp(elsewhere[i].word, word) == 0)
            return elsewhere[i].run;
    return NULL;
}

int meant_instead(struct context *x)
{
    const struct arguments *a = &x->args;
    const char *group =
        a->words > 0 && meant_is_group(a->word[0]) ? a->word[0] : NULL;
    const char *word = a->words > (group != NULL) ? a->word[group != NULL] : "";
    const char *run = run_instead(group, word);
    char meant[NAME_MOST], hint[NAME_MOST + 32];

    snprintf(hint, sizeof(hint), "; run: sallyportctl --help");
    if (!run && guess(group, word, meant))
        snprintf(hint, sizeof(hint), "; did you mean \"%s\"?", meant);
    return ctl_fail(x, EX_USAGE, "%s%s%s%sno such command%s%s",
                    a->words > 0 ? a->word[0] : "", a->words > 1 ? " " : "",
                    a->words > 1 ? a->word[1] : "", a->words > 0 ? ": " : "",
                    run ? "; run: " : hint, run ? run : "");
}
