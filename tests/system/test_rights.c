/* The table of rights. Plays each command with each right missing, in the home
 * and in a share, and in each phase before the login, and expects the reply
 * codes on which clients rely. For each missing right a user has a directory of
 * his own in each place, so that no row finds files that another user's row has
 * left. */
#include "support/fail.h"
#include "support/files.h"
#include "support/served.h"
#include "support/test.h"

#define LETTERS "lrwodnm"
#define SHARE   "contracts"

/* {} stands for the directory, "" or "/contracts/share_l". The rows of a
 * directory are played in this order, so that each row finds the files that it
 * needs. */
static const struct row {
    const char *command;
    int done;          /* reply with all rights */
    const char *needs; /* all of these letters are needed */
    enum session_way data;
    int in_share; /* reply in a share, if it differs from the home's; or 0 */
} rows[] = {
    { "ALLO 1", 200, "w", NO_DATA, 0 },
    { "AVBL {}/", 213, "w", NO_DATA, 0 },
    { "CWD {}/directory", 250, "", NO_DATA, 0 },
    { "CDUP", 250, "", NO_DATA, 0 },
    { "LIST {}/", 226, "l", DOWN, 0 },
    { "MLSD {}/", 226, "l", DOWN, 0 },
    { "NLST {}/", 226, "l", DOWN, 0 },
    { "MLST {}/file", 250, "l", NO_DATA, 0 },
    { "STAT {}/file", 213, "l", NO_DATA, 0 },
    { "SIZE {}/file", 213, "l", NO_DATA, 0 },
    { "MDTM {}/file", 213, "l", NO_DATA, 0 },
    { "HASH {}/file", 213, "r", NO_DATA, 0 },
    { "XCRC {}/file", 250, "r", NO_DATA, 0 },
    { "XSHA256 {}/file", 250, "r", NO_DATA, 0 },
    { "XSHA512 {}/file", 250, "r", NO_DATA, 0 },
    { "RETR {}/file", 226, "r", DOWN, 0 },
    { "MFMT 20200101000000 {}/file", 213, "w", NO_DATA, 0 },
    { "SITE CHMOD 640 {}/file", 200, "wo", NO_DATA, 550 },
    { "SITE QUOTA {}/", 200, "w", NO_DATA, 0 },
    { "STOR {}/new", 226, "w", UP, 0 },
    { "STOR {}/file", 226, "wo", UP, 0 },
    { "APPE {}/file", 226, "wo", UP, 0 },
    { "STOU {}/unique", 226, "w", UP, 0 },
    { "MKD {}/made", 257, "m", NO_DATA, 0 },
    { "RMD {}/empty", 250, "m", NO_DATA, 0 },
    { "RNFR {}/file", 350, "n", NO_DATA, 0 },
    { "RNTO {}/renamed", 250, "n", NO_DATA, 0 },
    { "DELE {}/other", 250, "d", NO_DATA, 0 },
};

/* For each letter one user without it in the home, and one without it in the
 * share: "home_l" and "share_l". The last two have all rights. */
#define LACKING (sizeof(LETTERS) - 1)
static struct server_user users[2 * (LACKING + 1)];
static char names[2 * (LACKING + 1)][16], keys[2 * (LACKING + 1)][80];

static void name_user(size_t i, const char *place, size_t letter)
{
    char left[sizeof(LETTERS)] = LETTERS;

    snprintf(names[i], sizeof(names[i]), "%s_%c", place,
             letter < LACKING ? LETTERS[letter] : '0');
    if (letter < LACKING)
        memmove(left + letter, left + letter + 1, sizeof(left) - letter - 1);
    snprintf(keys[i], sizeof(keys[i]),
             strcmp(place, "home") == 0 ? "rights=%s"
                                        : "rights=full shares=" SHARE ":%s",
             left);
    users[i] = (struct server_user){ .name = names[i], .keys = keys[i] };
}

static void fill_directory(const char *path, uid_t uid, gid_t gid)
{
    static const char *const files[] = { "file", "other" },
                             *const directories[] = { "directory", "empty" };
    char at[SERVER_PATH_MAX];

    for (size_t i = 0; i < 2; i++) {
        snprintf(at, sizeof(at), "%s/%s", path, files[i]);
        files_write(at, "text", 4, 0660);
        cr_assert(geteuid() != 0 || chown(at, uid, gid) == 0);
        snprintf(at, sizeof(at), "%s/%s", path, directories[i]);
        files_make_folder(at, 0770);
        cr_assert(geteuid() != 0 ||
                  (chown(at, uid, gid) == 0 && chmod(at, 02770) == 0));
    }
}

static void fill_place(const struct server *s, size_t i, bool share)
{
    uid_t uid = (uid_t)(SERVER_UID_FIRST + i);
    gid_t gid = share ? SERVER_GID_FIRST : uid;
    char path[SERVER_PATH_MAX];

    if (share) {
        snprintf(path, sizeof(path), "%s", server_share_path(s, "/" SHARE "/"));
        strncat(path, names[i], sizeof(path) - strlen(path) - 1);
        files_make_folder(path, 0770);
        FAIL_IF(geteuid() == 0 && (chown(path, uid, gid) || chmod(path, 02770)),
                "%s", path);
    } else {
        snprintf(path, sizeof(path), "%s", server_home(s, names[i]));
    }
    fill_directory(path, uid, gid);
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    const struct server_plan plan = { .users = users,
                                      .user_count = 2 * (LACKING + 1),
                                      SHARES({ .name = SHARE }) };

    (void)set;
    for (size_t i = 0; i <= LACKING; i++) {
        name_user(2 * i, "home", i);
        name_user(2 * i + 1, "share", i);
    }
    server_share(&plan);
    for (size_t i = 0; i < 2 * (LACKING + 1); i++)
        fill_place(server_of_runner(), i, i % 2 == 1);
}

static int expected(const struct row *row, char lacks, bool share)
{
    if (strncmp(row->command, "RNTO", 4) == 0 && lacks == 'n')
        return share ? 503 : 550; /* RNFR was refused */
    if (strncmp(row->command, "ALLO", 4) == 0 && share)
        return row->done; /* ALLO names no path */
    if (strchr(row->needs, lacks))
        return 550;
    return share && row->in_share ? row->in_share : row->done;
}

static void play_all(const struct server *server, const char *name, char lacks,
                     bool share)
{
    char base[64] = "";
    struct session s;

    if (share)
        snprintf(base, sizeof(base), "/" SHARE "/%s", name);
    session_enter(&s, server, name);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int code = session_play(&s, rows[i].command, base, rows[i].data, NULL);

        cr_expect_eq(code, expected(&rows[i], lacks, share), "%s: %s: %d: %s",
                     name, rows[i].command, code, s.reply.data);
    }
    session_close(&s);
}

static void play_place(const char *place, bool share)
{
    struct server server;
    char name[16];

    server_shared(&server);
    for (size_t i = 0; i <= LACKING; i++) {
        char lacks = i < LACKING ? LETTERS[i] : '0';

        snprintf(name, sizeof(name), "%s_%c", place, lacks);
        play_all(&server, name, lacks, share);
    }
}

Test(rights, in_the_home, .timeout = 120)
{
    play_place("home", false);
}

Test(rights, in_a_share, .timeout = 120)
{
    play_place("share", true);
}

static void expect_nobody(struct session *s, const char *phase)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(session_play(s, rows[i].command, "", NO_DATA, NULL), 530,
                     "%s: %s: %s", phase, rows[i].command, s->reply.data);
}

/* Before the login each command gets 530, whatever the user's rights are. */
SharedTest(rights, before_the_login, 60)
{
    struct session s;

    session_reach(&s, server);
    session_expect(&s, "220 {*}");
    expect_nobody(&s, "without TLS");
    session_do(&s, "234 {*}", "AUTH TLS");
    session_secure(&s);
    expect_nobody(&s, "after TLS");
    session_do(&s, "331 {*}", "USER home_0");
    expect_nobody(&s, "after USER");
    session_close(&s);
}
