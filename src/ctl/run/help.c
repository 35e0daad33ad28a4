/* The help of sallyportctl, from the table of commands; and a guess at the
 * command that was meant by wrong words. */
#include "ctl.h"

#define NAME_WIDTH   10
#define OPTION_WIDTH 20
#define COMMANDS_MAX 64

static const char of_passwords[] =
    "\nThe command asks twice for a password on the terminal; after an empty\n"
    "line it makes a password and prints it. If standard input is no\n"
    "terminal, it reads one line. A password has at least 8 bytes.\n"
    "See sallyportctl(8).\n";

static void print_option(const struct ctl_option *row)
{
    char left[32];

    snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value ? " " : "",
             row->value ? row->value : "");
    printf("  %-*s ", OPTION_WIDTH, left);
    for (const char *at = row->help; *at; at++) {
        putchar(*at);
        if (*at == '\n')
            printf("%*s", OPTION_WIDTH + 3, "");
    }
    putchar('\n');
}

void help_command(const struct ctl_command *row)
{
    char name[CTL_NAME];

    printf("Usage:\n  sallyportctl %s%s%s\n      %s.\n\nExample:\n  %s\n\n"
           "Options:\n",
           ctl_name_of(row, name), row->syntax[0] ? " " : "", row->syntax,
           row->help, row->example);
    for (size_t n = 0; n < OPTIONS; n++)
        if (ctl_takes(row, (enum option_place)n))
            print_option(&ctl_options[n]);
    if (row->needs & ASKS_PASSWORD)
        fputs(of_passwords, stdout);
}

static bool is_of_group(const struct ctl_command *row, const char *group)
{
    return row->name && strcmp(row->group, group) == 0;
}

int help_short(const char *help)
{
    size_t len = strcspn(help, ";,(\n");

    while (len > 0 && help[len - 1] == ' ')
        len--;
    return (int)len;
}

void help_group(const char *group)
{
    for (size_t i = 0; i < ctl_command_count; i++)
        if (is_of_group(&ctl_commands[i], group))
            printf("  %s %-*s %.*s\n", group, NAME_WIDTH, ctl_commands[i].name,
                   help_short(ctl_commands[i].help), ctl_commands[i].help);
    printf("\nOptions and an example of each: sallyportctl %s COMMAND --help\n",
           group);
}

/* Finds the first command of GROUP (NULL: of any) with NAME as its second word
 * (NULL: without a second word). */
static const struct ctl_command *named(const char *group, const char *name)
{
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        if ((!group || strcmp(row->group, group) == 0) &&
            (row->name && name ? strcmp(row->name, name) == 0
                               : row->name == name))
            return row;
    }
    return NULL;
}

void help_overview(void)
{
    const char *last = "";

    puts("Usage: sallyportctl COMMAND [ARGUMENTS] [OPTIONS]\n");
    for (size_t i = 0; i < ctl_command_count; i++) {
        const char *group = ctl_commands[i].group;
        const struct ctl_command *row = named(group, NULL);
        const char *comma = "";

        if (strcmp(group, last) == 0)
            continue;
        last = group;
        printf("  %-*s ", NAME_WIDTH, group);
        if (row)
            printf("%.*s", help_short(row->help), row->help);
        for (size_t n = i; n < ctl_command_count; n++)
            if (is_of_group(&ctl_commands[n], group)) {
                printf("%s%s", comma, ctl_commands[n].name);
                comma = ", ";
            }
        putchar('\n');
    }
    puts("\nOptions:");
    print_option(&ctl_options[OPTION_config]);
    print_option(&ctl_options[OPTION_help]);
    puts("\nA group:     sallyportctl user\n"
         "A command:   sallyportctl user add --help\n"
         "Everything:  man sallyportctl");
}

/* Words that are no command. */

bool meant_is_group(const char *word)
{
    for (size_t i = 0; i < ctl_command_count; i++)
        if (strcmp(ctl_commands[i].group, word) == 0)
            return true;
    return false;
}

/* Returns the word that is nearest to WORD, among the second words of GROUP or
 * all first words; or NULL. */
static const char *nearest_to(const char *word, const char *group)
{
    const char *words[COMMANDS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < ctl_command_count && n < COMMANDS_MAX; i++)
        if (!group || is_of_group(&ctl_commands[i], group))
            words[n++] = group ? ctl_commands[i].name : ctl_commands[i].group;
    return n > 0 ? slice_nearest(slice_from(word), words, n) : NULL;
}

noreturn void meant_instead(void)
{
    const struct arguments *a = &ctl.args;
    const char *first = a->word[0], *second = a->words > 1 ? a->word[1] : "";
    const char *group = meant_is_group(first) ? first : NULL;
    const char *word = group ? second : first;
    const struct ctl_command *row = group ? NULL : named(NULL, word);
    const char *nearest = row ? NULL : nearest_to(word, group);
    char hint[256];

    if (row)
        snprintf(hint, sizeof(hint), "did you mean \"%s %s\"?", row->group,
                 row->name);
    else if (nearest)
        snprintf(hint, sizeof(hint), "did you mean \"%s%s%s\"?",
                 group ? group : "", group ? " " : "", nearest);
    else
        snprintf(hint, sizeof(hint), "see: sallyportctl --help");
    fail(EX_USAGE, "%s%s%s: no such command; %s", first, second[0] ? " " : "",
         second, hint);
}
