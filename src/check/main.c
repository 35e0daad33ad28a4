/* check: the program that prepares a start, and says what an administrator
 * should know of a configuration. Master executes it at its start and for
 * --check, before its own sandbox closes, and waits for its end; so nothing of
 * it is in a process of root that continues. It has master's rights, since it
 * takes the ids of each user in turn. The settings that master has read are
 * descriptor 3. Descriptor 4 is the users file, or the struct prepared. It
 * makes the directories `empty` and `state`, and changes nothing else. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "check.h"
#include "hint.h"
#include "inspect.h"
#include "prepare.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"
#include "unit.h"
#include "weaker.h"

#define SETTINGS_FD  3
#define USERS_FD     4
#define PREPARED_FD  4
#define WARNINGS_MAX 8 /* lines about users at the start */

static void say_mistake(const char *mistake)
{
    stderr_print("%s", mistake);
}

struct writer {
    const char *prefix; /* of each line */
    size_t most, count;
};

static void write_mistake(void *owner, const char *text)
{
    struct writer *w = owner;

    if (w->count++ < w->most)
        stderr_print("%s%s", w->prefix, text);
}

/* A server that was started by hand, or has another configuration, isn't the
 * unit's. */
static bool is_of_unit(const struct check *k, bool asked)
{
    return k->root && strcmp(k->settings.file, SETTINGS_FILE) == 0 &&
           (asked || getenv("INVOCATION_ID"));
}

static bool look_at_homes(const struct check *k, bool asked, struct writer w)
{
    static struct unit unit;
    bool applies = is_of_unit(k, asked) && unit_read(&unit) == 0;

    inspect_users(k, applies ? &unit : NULL, write_mistake, &w);
    if (w.count > w.most)
        stderr_print("%sand %zu more; see them all by: sallyportd --check",
                     w.prefix, w.count - w.most);
    return w.count > 0;
}

/* For --check: all that is wrong with the users file, and with what its rows
 * name. */
static bool mode_users(struct check *k)
{
    struct complaint c = { "" };
    bool wrong = users_survey(&k->users, USERS_FD, k->settings.users,
                              say_mistake, &c) != 0;

    return look_at_homes(k, true, (struct writer){ "", SIZE_MAX, 0 }) || wrong;
}

static void read_users(struct check *k)
{
    struct complaint c = { "" };

    if (users_read(&k->users, USERS_FD, k->settings.users, &c) < 0)
        die(EX_SOFTWARE, "%s", c.text);
}

/* What the server will do, and what may be a mistake. */
static bool mode_remarks(struct check *k)
{
    struct buf text;

    read_users(k);
    buf_init(&text, WEAKER_MAX);
    weaker_text(k, &text);
    if (text.len > 0)
        stderr_print("weaker: %.*s", (int)text.len, text.data);
    buf_release(&text);
    hint_tell(&k->settings);
    return false;
}

/* For a start. Whoever has a bad row can't log in, and all others can, so these
 * are warnings. */
static bool mode_start(struct check *k)
{
    mode_remarks(k);
    return look_at_homes(k, false,
                         (struct writer){ "warning: ", WARNINGS_MAX, 0 });
}

static const struct {
    const char *name;
    prepare_part *prepare;
} parts[] = {
    { "accounts", prepare_accounts },
    { "empty", prepare_empty },
    { "key", prepare_key },
    { "sandbox", prepare_sandbox },
};

/* The answer stands where the question stood. */
static int answer_with(const struct check *k, prepare_part *prepare)
{
    struct prepared p;

    if (pread(PREPARED_FD, &p, sizeof(p), 0) != sizeof(p))
        die(EX_SOFTWARE, "descriptor 4 has no question");
    p.result = prepare(k, &p);
    if (pwrite(PREPARED_FD, &p, sizeof(p), 0) != sizeof(p))
        die(EX_OSERR, "descriptor 4: %s", strerror(errno));
    explicit_bzero(&p, sizeof(p));
    return EXIT_SUCCESS;
}

static const struct {
    const char *name;
    bool (*run)(struct check *k); /* was there a mistake? */
} modes[] = {
    { "users", mode_users },
    { "remarks", mode_remarks },
    { "start", mode_start },
};

int main(int argc, char **argv)
{
    static struct check check;
    struct complaint c = { "" };

    stderr_title("sallyportd");
    if (argc != 3)
        die(EX_USAGE, "this program is started by sallyportd");
    check.root = geteuid() == 0;
    check.key_lost = argv[2];
    if (settings_take(&check.settings, SETTINGS_FD, &c) < 0)
        die(EX_SOFTWARE, "%s", c.text);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(modes[i].name, argv[1]) == 0)
            return modes[i].run(&check) ? EXIT_FAILURE : EXIT_SUCCESS;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(parts[i].name, argv[1]) == 0)
            return answer_with(&check, parts[i].prepare);
    die(EX_USAGE, "this program is started by sallyportd");
}
