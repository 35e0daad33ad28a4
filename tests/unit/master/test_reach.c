/* Tests of the directory of all homes, or the users file, that goes and comes
 * back. They check what gate, a login and sallyportctl get meanwhile. */
#include <sys/inotify.h>

#include "caller.h"
#include "support/scratch.h"
#include "support/wait.h"

static char homes[128];
static struct board *board;

static void set_up(void)
{
    scratch_make();
    board = stage_board();
    snprintf(homes, sizeof(homes), "%s/homes", scratch);
}

TestSuite(reach, .init = set_up, .fini = scratch_remove, .timeout = 60);

static void has_own_homes(struct master *m)
{
    snprintf(m->settings.homes, sizeof(m->settings.homes), "%s", homes);
    m->deadlines.users = 20;
    m->deadlines.pause = 20;
}

struct away {
    const uint64_t *now;
    bool expected;
};

static bool is_so(void *argument)
{
    const struct away *a = argument;

    return board_get(a->now) == a->expected;
}

/* Waits until the board shows EXPECTED to gate. */
static void wait_for_away(bool expected)
{
    struct away a = { &board->row[0].away, expected };

    cr_assert(wait_until(is_so, &a, STAGE_WAIT_MS));
}

static void expect_away(const char *words)
{
    struct channel c;
    const char *away;

    caller_enter(&c);
    away = caller_reads(&c, SHOWN_WHOLE, "away");
    cr_expect_eq(away[0] != '\0', words != NULL, "%s", away);
    cr_expect_not_null(strstr(away, words ? words : ""), "%s", away);
    channel_close(&c);
}

/* Waits until the fork of master's first look opens the homes. */
static void wait_for_first_look(int watch)
{
    struct inotify_event opened;

    cr_assert_eq(read(watch, &opened, sizeof(opened)), sizeof(opened));
    close(watch);
}

/* While only the homes are away, a changed users file counts, and is confirmed.
 */
static void expect_edit(bool confirmed)
{
    struct channel c;

    caller_enter(&c);
    caller_edits(&c);
    if (confirmed)
        EXPECT(&c, control_done);
    else
        caller_is_refused(&c, REFUSAL_BAD_FILE);
    channel_close(&c);
}

static void goes_and_comes_back(struct player *p, const char *path,
                                const char *what)
{
    char gone[160];

    snprintf(gone, sizeof(gone), "%s.gone", path);
    cr_assert_eq(rename(path, gone), 0);
    wait_for_away(true);
    stage_reports(EVENT_TROUBLE, what);
    expect_away(path);
    expect_edit(path == homes);
    player_waits(p);
    player_is_denied(p, DENIAL_AWAY);
    cr_assert_eq(rename(gone, path), 0);
    wait_for_away(false);
    stage_reports(EVENT_SERVICE, "can be reached again");
    expect_away(NULL);
    expect_edit(true);
}

/* Master reports one event for each change, however many looks there are. */
Test(reach, goes_and_comes_back)
{
    char users[128];
    int watch = inotify_init1(IN_CLOEXEC);

    cr_assert_eq(mkdir(homes, 0700), 0);
    cr_assert_geq(inotify_add_watch(watch, homes, IN_OPEN), 0);
    stage_open(has_own_homes);
    snprintf(users, sizeof(users), "%s/users", stage.folder);
    wait_for_first_look(watch);
    player_enter(&anna, 1);
    expect_away(NULL);
    for (int i = 0; i < 2; i++)
        goes_and_comes_back(&anna, homes, "new clients get 421: the homes in");
    goes_and_comes_back(&anna, users, "new clients get 421: the users file");
    player_leave(&anna);
    stage_close();
}

/* A new server has no directory of homes yet: nobody is turned away. */
OpenTest(reach, homes_that_were_never_there, has_own_homes)
{
    expect_away(NULL);
    cr_assert_eq(mkdir(homes, 0700), 0);
    player_enter(&anna, 1);
    player_asks(&anna);
    auth_says(1, NULL);
    player_is_denied(&anna, DENIAL_WRONG);
    expect_away(NULL);
    player_leave(&anna);
}
