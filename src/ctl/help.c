/* The help of sallyportctl, from the table of commands; and a guess if words
 * are no command. */
#include "ctl.h"

#define NAME_WIDTH   10
#define OPTION_WIDTH 20

static const char of_passwords[] =
    "\nThe command asks for a password twice on the terminal (Enter: it makes\n"
    "one and prints it), or reads one line of standard input: at least 8 "
    "bytes.\n"
    "See sallyportctl(8).\n";

/* For somebody who sees it for the first time. */
static const struct {
    const char *command, *what;
} first_steps[] = {
    { "user add NAME", "add a user" },
    { "user list", "list the users" },
    { "share add NAME USER", "add a directory for several users" },
    { "invite NAME --to SHARE", "add a partner, and print the letter" },
    { "who", "list the sessions and their transfers" },
    { "log", "list uploads, downloads and other events" },
    { "check", "look for what is wrong, or will be soon" },
    { "reload", "use a changed configuration or certificate" },
    { "--help", "list all commands" },
};

static void print_row(const struct ctl_command *row)
{
    char name[CTL_NAME];

    printf("  sallyportctl %s%s%s\n      %s.\n", ctl_name_of(row, name),
           row->syntax[0] ? " " : "", row->syntax, row->help);
}

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

/* Those that one of these commands takes. */
static void print_options(const struct arguments *a, size_t words)
{
    for (size_t n = 0; n < OPTIONS; n++) {
        bool takes = words == 0;

        for (size_t i = 0; i < ctl_command_count && !takes; i++)
            takes = ctl_names(&ctl_commands[i], a, words) &&
                    ctl_takes(&ctl_commands[i], (enum option_place)n);
        if (takes)
            print_option(&ctl_options[n]);
    }
}

void help_print(const struct arguments *a, size_t words)
{
    bool passwords = false;

    puts("Usage:");
    for (size_t i = 0; i < ctl_command_count; i++)
        if (ctl_names(&ctl_commands[i], a, words)) {
            print_row(&ctl_commands[i]);
            passwords |= (ctl_commands[i].needs & ASKS_PASSWORD) != 0;
        }
    printf("\nExample%s:\n", words == 2 ? "" : "s");
    for (size_t i = 0; i < ctl_command_count; i++)
        if (ctl_names(&ctl_commands[i], a, words))
            printf("  %s\n", ctl_commands[i].example);
    puts("\nOptions:");
    print_options(a, words);
    if (passwords)
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

/* "user", and the words that follow it. */
static void print_group(const char *group)
{
    const char *comma = "";

    printf("  %-*s ", NAME_WIDTH, group);
    for (size_t i = 0; i < ctl_command_count; i++)
        if (is_of_group(&ctl_commands[i], group)) {
            printf("%s%s", comma, ctl_commands[i].name);
            comma = ", ";
        }
    putchar('\n');
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

        if (strcmp(group, last) == 0)
            continue;
        if (row)
            printf("  %-*s %.*s\n", NAME_WIDTH, group, help_short(row->help),
                   row->help);
        else
            print_group(group);
        last = group;
    }
    puts("\nOptions:");
    print_option(&ctl_options[OPTION_config]);
    print_option(&ctl_options[OPTION_help]);
    puts("\nA group:     sallyportctl user\n"
         "A command:   sallyportctl user add --help\n"
         "Everything:  sallyportctl --help --all, or man sallyportctl");
}

void help_first(void)
{
    putchar('\n');
    for (size_t i = 0; i < sizeof(first_steps) / sizeof(first_steps[0]); i++)
        printf("  sallyportctl %-22s %s\n", first_steps[i].command,
               first_steps[i].what);
}

/* Words that are no command. */

#define COMMANDS_MAX 64
#define NAME_MOST    32

/* Words of other programs, and the ones of this table of commands. */
static const char *const usual[][2] = {
    { "create", "add" },    { "new", "add" },       { "delete", "del" },
    { "remove", "del" },    { "rm", "del" },        { "disable", "lock" },
    { "enable", "unlock" }, { "modify", "change" }, { "edit", "change" },
    { "mv", "rename" },     { "ls", "list" },       { "info", "show" },
};

/* Words of other programs, and what to run instead. */
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
    { "top", "watch -n 2 sallyportctl who" },
    { "doctor", "sallyportctl check" },
    { "users", "sallyportctl user list" },
    { "export", "sallyportctl user list --json --hashes" },
    { "totp-off", "sallyportctl user totp NAME --off" },
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

static const char *run_instead(const char *word)
{
    for (size_t i = 0; i < LENGTH(elsewhere); i++)
        if (strcmp(elsewhere[i].word, word) == 0)
            return elsewhere[i].run;
    return NULL;
}

noreturn void meant_instead(void)
{
    const struct arguments *a = &ctl.args;
    const char *group =
        a->words > 0 && meant_is_group(a->word[0]) ? a->word[0] : NULL;
    const char *word = a->words > (group != NULL) ? a->word[group != NULL] : "";
    const char *run = run_instead(word);
    char meant[NAME_MOST], hint[NAME_MOST + 32];

    snprintf(hint, sizeof(hint), "; run: sallyportctl --help");
    if (!run && guess(group, word, meant))
        snprintf(hint, sizeof(hint), "; did you mean \"%s\"?", meant);
    fail(EX_USAGE, "%s%s%s%sno such command%s%s",
         a->words > 0 ? a->word[0] : "", a->words > 1 ? " " : "",
         a->words > 1 ? a->word[1] : "", a->words > 0 ? ": " : "",
         run ? "; run: " : hint, run ? run : "");
}
