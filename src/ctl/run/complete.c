/* "sallyportctl --complete WORD...": prints the words that can replace the last
 * word, each in its own line with a tab and its meaning; or '*' if the word is
 * the name of a file. The completions of bash and zsh call it. It reads the
 * tables of commands and options, and the users file, whose parser permits only
 * names that are safe in a shell. */
#include "ctl.h"

struct completion {
    const char *current;
    char *word[3]; /* the words of the command, then NULL */
    size_t words;  /* words before the current one, without options */
};

/* Offers WORD; or KIND:WORD if KIND isn't "". */
static void offer(const struct completion *c, const char *kind,
                  const char *word, const char *help)
{
    char whole[2 * CTL_NAME + USER_NAME_MAX];

    snprintf(whole, sizeof(whole), "%s%s%s", kind, kind[0] ? ":" : "", word);
    if (strncmp(whole, c->current, strlen(c->current)) == 0)
        printf("%s\t%.*s\n", whole, help_short(help), help);
}

static void load_names(void *data)
{
    (void)data;
    ctl_load_settings(false);
    edit_read_users();
}

static void offer_kinds(const struct completion *c, unsigned kinds)
{
    const struct users *u = &ctl.users;
    struct complaint why;
    const bool with = kinds & WITH_KIND;

    if (kinds & A_FILE)
        puts("*");
    if (kinds & A_FILE || !kinds || fail_caught(load_names, NULL, &why))
        return;
    for (size_t i = 0; kinds & A_USER && i < u->count; i++)
        offer(c, "", u->row[i].name, "");
    for (size_t i = 0; kinds & A_SHARE && i < u->shares; i++)
        offer(c, with ? "share" : "", u->share[i].name, "");
    for (size_t i = 0; kinds & A_TEAM && i < u->teams; i++)
        offer(c, with ? "team" : "", u->team[i].name, "");
}

/* Returns the kinds of the word at PLACE. The first word after the command has
 * the place 0. */
static unsigned kinds_of(const struct ctl_command *row, size_t place)
{
    const bool of_share = strcmp(row->group, "share") == 0;
    const struct ctl_words *words = &ctl_words[row->takes];
    const unsigned of = place > 0 ? words->more_kinds : words->kinds;

    if (place == 0 && row->name && strcmp(row->name, "add") == 0)
        return 0; /* the name is new */
    if (of == A_MEMBER)
        return of_share ? A_USER | A_TEAM | WITH_KIND : A_USER;
    if (of != A_NAME)
        return of;
    return of_share                          ? A_SHARE
           : strcmp(row->group, "team") == 0 ? A_TEAM
                                             : A_USER;
}

/* The values that completion offers for options. */
static const struct {
    const char *value;
    unsigned kinds;
} values[] = {
    { "FILE", A_FILE }, { "DIR", A_FILE },        { "USER", A_USER },
    { "TEAM", A_TEAM }, { "NAME:ROLE", A_SHARE },
};

/* Offers the options of ROW; NULL: of no command. */
static void offer_options(const struct completion *c,
                          const struct ctl_command *row)
{
    char name[CTL_NAME];

    for (size_t i = 0; i < OPTIONS; i++) {
        const enum option_place place = (enum option_place)i;

        snprintf(name, sizeof(name), "--%s", ctl_options[i].name);
        if (row ? ctl_takes(row, place)
                : place == OPTION_config || place == OPTION_help ||
                      place == OPTION_version)
            offer(c, "", name, ctl_options[i].help);
    }
}

/* Offers the first words of all commands, or the second words of a group. */
static void offer_commands(const struct completion *c)
{
    const char *last = "";

    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];
        const char *word = c->words ? row->name : row->group;

        if (!word || strcmp(word, last) == 0 ||
            (c->words && strcmp(row->group, c->word[0]) != 0))
            continue;
        offer(c, "", word, c->words || !row->name ? row->help : "");
        last = word;
    }
}

/* Takes the words before the current one. If the current word is the value of
 * an option, returns the option, otherwise NULL. */
static const struct ctl_option *take_words(struct completion *c, char **word,
                                           size_t n)
{
    const struct ctl_option *open = NULL;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(word[i], "=") == 0) /* bash makes "=" a word of its own */
            continue;
        if (open) {
            if (open == &ctl_options[OPTION_config])
                ctl.args.config = word[i];
            open = NULL;
        } else if (strncmp(word[i], "--", 2) == 0) {
            open = arguments_option(slice_from(word[i] + 2));
            if (open && !open->value)
                open = NULL;
        } else if (c->words++ < 2) {
            c->word[c->words - 1] = word[i];
        }
    }
    return open;
}

void complete_print(char **word)
{
    struct completion c = { .current = "" };
    struct arguments words = { .word = c.word };
    const struct ctl_option *option;
    const struct ctl_command *row;
    unsigned kinds = 0;
    size_t n = 0;

    while (word[n])
        n++;
    if (n > 0 && strcmp(word[n - 1], ":") != 0 && strcmp(word[n - 1], "=") != 0)
        c.current = word[--n];
    option = take_words(&c, word, n);
    for (size_t i = 0; option && i < sizeof(values) / sizeof(values[0]); i++)
        if (strcmp(option->value, values[i].value) == 0)
            kinds = values[i].kinds;
    words.words = c.words;
    row = ctl_command_of(&words); /* NULL: the command isn't complete */
    /* Bash splits "team:NAME" into three words. */
    if (n > 1 && strcmp(word[n - 1], ":") == 0)
        offer_kinds(&c, strcmp(word[n - 2], "team") == 0    ? A_TEAM
                        : strcmp(word[n - 2], "share") == 0 ? A_SHARE
                                                            : 0);
    else if (option)
        offer_kinds(&c, kinds);
    else if (c.current[0] == '-')
        offer_options(&c, row);
    else if (c.words == 0 || (c.words == 1 && (!row || !row->takes)))
        offer_commands(&c);
    else if (row)
        offer_kinds(&c, kinds_of(row, c.words - (row->name ? 2 : 1)));
}
