/* Parses the command line, words and options in any order, and runs the
 * command. Refuses options that the command doesn't take. */
#include "ctl.h"

#include <errno.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

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

/* Fails because of wrong usage. Names the help of the command whose words were
 * parsed before TEXT; if there is no command, the general help. */
static noreturn void usage_error(const char *what, const char *text)
{
    const struct ctl_command *row =
        ctl.args.words > 0 ? ctl_command_of(&ctl.args) : NULL;
    char name[CTL_NAME];

    if (row)
        fail(EX_USAGE, "%s: %s; see: sallyportctl %s --help", text, what,
             ctl_name_of(row, name));
    fail(EX_USAGE, "%s: %s; run: sallyportctl --help", text, what);
}

/* Takes "--home DIR" or "--home=DIR". *next points to the argument after TEXT.
 */
static void take_option(struct arguments *a, const char *text, char ***next)
{
    struct slice name, value = slice_from(text + 2);
    const struct ctl_option *row;
    const char **place;

    slice_cut(&value, '=', &name);
    row = arguments_option(name);
    if (!row) {
        const char *names[OPTIONS], *nearest;

        for (size_t i = 0; i < OPTIONS; i++)
            names[i] = ctl_options[i].name;
        nearest = slice_nearest(name, names, OPTIONS);
        if (!nearest)
            usage_error("no such option", text);
        fail(EX_USAGE, "%s: no such option; did you mean --%s?", text, nearest);
    }
    place = &a->option[row - ctl_options];
    if (*place)
        usage_error("given twice", text);
    if (!row->value && value.ptr)
        usage_error("takes no value", text);
    if (row->value && !value.ptr)
        value.ptr = **next ? *(*next)++ : NULL;
    *place = row->value ? value.ptr : "";
    if (!*place)
        usage_error("needs a value", text);
}

void arguments_parse(int argc, char **argv)
{
    static const char *const shorts[][2] = {
        { "-h", "--help" },
        { "-n", "--lines" },
        { "-f", "--follow" },
        { "-o", "--output" },
    };
    struct arguments *a = &ctl.args;
    char **next = argv + (argc > 0);
    bool words = false; /* "--" was given, so only words follow */

    *a = (struct arguments){ .word = argv };
    while (*next) {
        const char *text = *next++;

        for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
            if (strcmp(text, shorts[i][0]) == 0)
                text = shorts[i][1];
        if (words || text[0] != '-' || !text[1])
            a->word[a->words++] = next[-1];
        else if (strcmp(text, "--") == 0)
            words = true;
        else if (text[1] == '-')
            take_option(a, text, &next);
        else
            usage_error("no such option", text);
    }
    a->word[a->words] = NULL;
}

/* Refuses an option that the command doesn't take. */
static void check_options(const struct ctl_command *row, const char *name)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const char *instead = row->run != user_change ? NULL
                              : i == OPTION_share
                                  ? "share grant SHARE USER:ROLE"
                              : i == OPTION_team ? "team join TEAM USER"
                                                 : NULL;

        if (ctl.args.option[i] && !ctl_takes(row, (enum option_place)i))
            fail(EX_USAGE,
                 "%s: --%s is not for this command; run: sallyportctl %-s%-s",
                 name, ctl_options[i].name, instead ? instead : name,
                 instead ? "" : " --help");
    }
}

/* The command. */

/* ms: longer than the lock of the users file and the server together can take.
 */
int ctl_deadline_ms = 30000;

const struct ctl_command *ctl_command_of(const struct arguments *a)
{
    for (size_t i = 0; i < ctl_command_count && a->words > 0; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        if (strcmp(row->group, a->word[0]) == 0 &&
            (!row->name ||
             (a->words > 1 && strcmp(row->name, a->word[1]) == 0)))
            return row;
    }
    return NULL;
}

#define ANY      (SIZE_MAX - 2)
#define ACCOUNTS (A_USER | A_SHARE | WITH_KIND)
const struct ctl_words ctl_words[] = {
    [TAKES_NOTHING] = { 0, 0, NULL, NULL, 0, 0 },
    [TAKES_NAME] = { 1, 1, NULL, NULL, A_NAME, 0 },
    [TAKES_NAME_OR_NOTHING] = { 0, 1, NULL, NULL, A_NAME, 0 },
    [TAKES_NAME_AND_MORE] = { 2, ANY, NULL, "USER", A_NAME, A_MEMBER },
    [TAKES_NAME_AND_ANY] = { 1, ANY, NULL, NULL, A_NAME, A_MEMBER },
    [TAKES_VERB_AND_PATH] = { 2, 3, NULL, "VERB", A_NAME, 0 },
    [TAKES_SESSION] = { 1, 1, "USER, SERIAL or ADDRESS", NULL, A_USER, 0 },
    [TAKES_TWO_NAMES] = { 2, 2, NULL, "NEW", A_NAME, A_NEW },
    [TAKES_FILE] = { 1, 1, NULL, NULL, A_FILE, 0 },
    [TAKES_NETWORK] = { 1, 1, NULL, NULL, 0, 0 },
    [TAKES_ACCOUNT] = { 0, 1, NULL, NULL, ACCOUNTS, 0 },
    [TAKES_ACCOUNT_AND_SIZE] = { 2, 2, "NAME or share:NAME", "SIZE", ACCOUNTS,
                                 0 },
    [TAKES_ID] = { 1, 2, NULL, NULL, 0, A_USER },
};

/* Refuses a missing word, a word too many, and a bad name. */
static void check_words(const struct ctl_command *row, const char *name)
{
    const size_t own = row->name ? 2 : 1, given = ctl.args.words;
    const struct ctl_words *words = &ctl_words[row->takes];
    const char *word = given > own ? words->second : words->first;
    const size_t names = words->more_kinds == A_NEW ? 2
                         : words->kinds == A_NAME   ? 1
                                                    : 0;
    const bool groups =
        strcmp(row->group, "share") == 0 || strcmp(row->group, "team") == 0;

    if (given > own + words->most)
        fail(EX_USAGE, "%s: one word too many; see: sallyportctl %s --help",
             ctl.args.word[own + words->most], name);
    if (given < own + words->least)
        fail(EX_USAGE, "%s: %.*s is missing; see: sallyportctl %s --help", name,
             (int)(word ? strlen(word) : strcspn(row->syntax, " ")),
             word ? word : row->syntax, name);
    for (size_t i = own; i < own + names && i < given; i++) {
        const struct slice one = slice_from(ctl.args.word[i]);

        if (groups ? !group_name_ok(one) : !user_name_ok(one))
            fail(EX_DATAERR,
                 "\"%s\" is a bad name; use 1 to 32 characters of a-z%s",
                 one.ptr,
                 groups ? " 0-9 . _ -, not beginning with . or -"
                        : " A-Z 0-9 . _ - @, not beginning with . - or @");
    }
}

/* Pairs of options: a command takes only one option of a pair. */
static const struct {
    enum option_place one, other;
    const char *why;
} exclusive[] = {
    { OPTION_print_password, OPTION_hash_stdin, "" },
    { OPTION_json, OPTION_csv, "" },
    { OPTION_hashes, OPTION_csv, "" },
    { OPTION_timeout, OPTION_off, "" },
    { OPTION_announce, OPTION_off, "" },
    { OPTION_new_secret, OPTION_off, "" },
    { OPTION_file, OPTION_since,
      "; for a file (times in UTC) run: awk '$1 >= \"2026-11-20\"' FILE | "
      "sallyportctl log --file -" },
    { OPTION_file, OPTION_until,
      "; for a file (times in UTC) run: awk '$1 < \"2026-11-20T08:00\"' FILE | "
      "sallyportctl log --file -" },
    { OPTION_file, OPTION_follow,
      "; to follow a file run: tail -F FILE | sallyportctl log --file -" },
    { OPTION_lines, OPTION_follow, "" },
    { OPTION_follow, OPTION_until, "" },
};

struct work {
    const struct ctl_command *row;
    int status;
};

static void run_row(void *data)
{
    struct work *w = data;

    if (!(w->row->needs & WITHOUT_SETTINGS))
        ctl_load_settings(w->row->needs & ANY_SETTINGS);
    if (w->row->needs & READS_USERS)
        edit_read_users();
    w->row->run();
    if (fflush(stdout) == EOF && ctl_status == 0)
        fail(EX_IOERR, "standard output: %s", strerror(errno));
    w->status = ctl_status;
}

/* Runs the command; with a deadline, in a fork, so that the command ends even
 * if the disk of the users file hangs. */
static void run_command(const struct ctl_command *row)
{
    const char *const *option = ctl.args.option;
    char name[CTL_NAME];
    struct work w = { .row = row };
    struct complaint why;
    int code;

    ctl.command = row;
    ctl.rest = ctl.args.word + (row->name ? 2 : 1);
    check_options(row, ctl_name_of(row, name));
    for (size_t i = 0; i < sizeof(exclusive) / sizeof(exclusive[0]); i++)
        if (option[exclusive[i].one] && option[exclusive[i].other])
            fail(EX_USAGE, "give --%s or --%s, not both%s",
                 ctl_options[exclusive[i].one].name,
                 ctl_options[exclusive[i].other].name, exclusive[i].why);
    check_words(row, name);
    if (!(row->needs & HAS_DEADLINE)) {
        run_row(&w);
        return;
    }
    code = disk_fork(run_row, &w, sizeof(w), ctl_deadline_ms, false, &why);
    if (code == -ETIMEDOUT)
        fail(EX_TEMPFAIL,
             "the disk of the users file doesn't answer, so it isn't known "
             "whether anything has changed; try again later; to end the "
             "sessions now run: sallyportctl kick %s",
             ctl.args.words == 3 ? ctl.args.word[2] : "USER");
    if (code)
        fail(code, "%s", why.text);
    ctl_status = w.status;
}

void ctl_run(int argc, char **argv)
{
    struct arguments *a = &ctl.args;

    fd_fill_standard();
    stderr_title("sallyportctl");
    stderr_wait(true);
    if (argc > 1 && strcmp(argv[1], "--complete") == 0) {
        complete_print(argv + 2);
        ctl_end(0);
    }
    arguments_parse(argc, argv);
    settings_commands(a->config ? a->config : SETTINGS_FILE);
    /* Other programs have "help user add". */
    if (a->words > 0 && strcmp(a->word[0], "help") == 0) {
        a->word++;
        a->words--;
        a->help = "";
    }
    const struct ctl_command *row = ctl_command_of(a);
    if (a->version)
        puts("sallyportctl " SALLYPORT_VERSION);
    else if (a->help && row)
        help_command(row);
    else if (a->words == 1 && !row && meant_is_group(a->word[0]))
        help_group(a->word[0]);
    else if (a->words == 0)
        help_overview();
    else if (!row)
        meant_instead();
    else
        run_command(row);
    ctl_end(ctl_status);
}
