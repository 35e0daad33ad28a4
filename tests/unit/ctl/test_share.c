/* The commands on shares and teams, end to end. */
#include <grp.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "ctl/ctl.h"
#include "world.h"

#define PASSWORD "correct horse\n"
#define ROWS                                                                   \
    "anna:!:70000:70000::/h::rights=full\n"                                    \
    "bert:!:70001:70001::/i::\n"                                               \
    "carla:!:70002:70002::/j::\n"

static void share_world(void)
{
    world_make();
    file_write(world.users, ROWS);
}

TestSuite(share, .init = share_world, .fini = scratch_remove);
TestSuite(team, .init = share_world, .fini = scratch_remove);

static gid_t expect_directory(const char *path, gid_t gid)
{
    struct stat st;

    cr_assert_eq(stat(path, &st), 0, "%s", path);
    cr_expect_eq(st.st_uid, geteuid());
    cr_expect_eq(st.st_mode & 07777, geteuid() == 0 ? 02770 : 0700, "%o",
                 st.st_mode);
    cr_expect_eq(st.st_gid, geteuid() == 0 ? gid : getegid());
    return st.st_gid;
}

static void expect_users(const char *line)
{
    cr_expect_not_null(strstr(file_text(world.users), line), "%s",
                       file_text(world.users));
}

static void expect_not_in_users(const char *text)
{
    cr_expect_null(strstr(file_text(world.users), text), "%s",
                   file_text(world.users));
}

/* Runs a command whose last word is a path in the scratch directory. */
static const struct run *run_with(int code, const char *words, const char *path)
{
    char text[768];

    snprintf(text, sizeof(text), "%s %s", words, path);
    return expect_run(code, PASSWORD, text);
}

Test(share, add_makes_a_line_and_a_directory)
{
    char line[256];
    struct stat st;
    const struct run *r = expect_run(0, "", "share add contracts");

    cr_expect_not_null(strstr(r->out, "share contracts: gid 80000, directory "),
                       "%s", r->out);
    snprintf(line, sizeof(line), "@share:contracts:80000:%s:\n",
             in(world.shares, "contracts"));
    expect_users(line);
    expect_directory(in(world.shares, "contracts"), 80000);
    cr_assert_eq(stat(world.shares, &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0711);
    cr_expect_str_eq(file_text(in_scratch("users.last-gid")), "80000\n");
    expect_err(EX_DATAERR, "", "share add contracts",
               "users:4: contracts is there already; run: sallyportctl share "
               "grant contracts USER");
    expect_run(0, "", "share add offers --file-mode 0640");
    snprintf(line, sizeof(line), "@share:offers:80001:%s:file_mode=0640\n",
             in(world.shares, "offers"));
    expect_users(line);
}

/* By default the shares are in a directory of the homes, which may be the first
 * that is made. */
Test(share, the_first_command_of_all)
{
    char text[1024];

    cr_assert_eq(unlink(world.users), 0);
    snprintf(text, sizeof(text), "users = %s\nhomes = %s\nshares = %s/shares\n",
             world.users, world.homes, world.homes);
    file_write(world.conf, text);
    expect_run(0, "", "share add a");
    expect_directory(in(world.homes, "shares/a"), 80000);
    expect_err(EX_DATAERR, PASSWORD, "user add shares",
               "(shares); give --home DIR");
}

/* Not that of a removed share, of a user, or of a group of the system. */
Test(share, a_gid_is_never_given_out_twice)
{
    expect_run(0, "", "share add a");
    expect_run(0, "", "share del a --purge --yes");
    expect_out(0, "", "share add b", "gid 80001");
    file_write(world.users, "zoe:!:70000:80002::/h::\n"
                            "@share:c:80003:/c:\n");
    expect_out(0, "", "share add d", "gid 80004");
    expect_err(EX_DATAERR, "", "share add e --gid 80003",
               "users:2: gid 80003 is used in this line; leave out --gid");
    expect_err(EX_DATAERR, "", "share add e --gid 80002", "users:1: gid 80002");
    /* One that was chosen is used, and those before it are not. */
    expect_run(0, "", "share add e --gid 80006");
    expect_run(0, "", "share del e --purge --yes");
    expect_run(0, "", "share add e --gid 80009");
    expect_out(0, "", "share add f", "gid 80005");
    expect_err(EX_DATAERR, "", "share add g --gid 80006",
               "may have been another share's");
    expect_out(0, "", "share add g", "gid 80007");
    expect_out(0, "", "share add h", "gid 80008");
    expect_err(EX_CONFIG, "", "share add i",
               "no gid is left up to 80009; raise gid_last");
    cr_expect_not(files_exists(in(world.shares, "i")));
    expect_not_in_users("@share:i");
}

Test(share, used_gids_that_are_no_numbers)
{
    static const char *const texts[] = { "", "x\n", "80000\n\n", "80000\nx" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        file_write(in_scratch("users.last-gid"), texts[i]);
        expect_err(EX_DATAERR, "", "share add a",
                   "not a number; write the highest gid ever used");
    }
    file_write(in_scratch("users.last-gid"), "80000\n80001\n80003");
    expect_out(0, "", "share add a", "gid 80002");
    expect_out(0, "", "share add b", "gid 80004");
}

/* The files of a share that was removed and comes back belong to it. */
Test(share, a_directory_that_was_kept)
{
    if (geteuid() != 0)
        world_skip("only root gives groups away");
    expect_run(0, "", "share add a");
    file_write(in(world.shares, "a/file"), "x");
    expect_out(0, "", "share del a", " kept\n");
    cr_expect_str_eq(file_text(world.users), ROWS);
    expect_out(0, "", "share add b", "gid 80001");
    expect_out(0, "", "share add a", "gid 80000, directory ");
    cr_expect(files_exists(in(world.shares, "a/file")));
}

Test(share, a_directory_that_is_wrong)
{
    static const struct {
        uid_t uid;
        gid_t gid;
        mode_t mode;
        const char *complaint;
    } table[] = {
        { 70000, 80000, 02770,
          "belongs to uid 70000; give another --path DIR, "
          "or, if it was made for this share, run: chown "
          "0:80000 " },
        { 0, 0, 02770,
          "exists with group 0 and mode 2770; if it was made for "
          "this, run: chgrp -R 80000 " },
        { 0, 80000, 02775, "exists with group 80000 and mode 2775" },
        { 0, 80000, 0770, "exists with group 80000 and mode 770" },
    };
    char path[128];

    if (geteuid() != 0)
        world_skip("only root has the directories of others");
    snprintf(path, sizeof(path), "%s", in(world.shares, "a"));
    cr_assert_eq(mkdir(world.shares, 0711), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    file_write(in(world.shares, "a/file"), "x"); /* an empty one is taken */
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_assert_eq(chown(path, table[i].uid, table[i].gid), 0);
        cr_assert_eq(chmod(path, table[i].mode), 0);
        expect_err(EX_CANTCREAT, "", "share add a", table[i].complaint);
        cr_expect_not(files_exists(in_scratch("users.last-gid")));
    }
    /* The command that each complaint names. */
    cr_assert_eq(chmod(path, 02770), 0);
    expect_out(0, "", "share add a", "(was there, kept)");
    expect_directory(path, 80000);
}

/* As long as a home may be. */
Test(share, a_long_path)
{
    char path[512];
    size_t len = (size_t)snprintf(path, sizeof(path), "%s", world.shares);

    cr_assert_eq(mkdir(path, 0711), 0);
    for (int i = 0; i < 3; i++) {
        len += (size_t)snprintf(path + len, sizeof(path) - len, "/%0100d", i);
        cr_assert(i == 2 || mkdir(path, 0711) == 0);
    }
    run_with(0, "share add a --path", path);
    cr_expect(files_exists(path));
}

Test(share, links_are_refused)
{
    cr_assert_eq(mkdir(world.shares, 0711), 0);
    cr_assert_eq(mkdir(in_scratch("victim"), 0755), 0);
    cr_assert_eq(symlink("../victim", in(world.shares, "a")), 0);
    expect_run(EX_CANTCREAT, "", "share add a");
    expect_not_in_users("@share");
}

Test(share, paths_that_overlap)
{
    char path[256];

    expect_run(0, PASSWORD, "user add dora");
    expect_run(0, "", "share add a");
    snprintf(path, sizeof(path), "%s/sub", in(world.homes, "dora"));
    if (geteuid() == 0) {
        cr_expect_not_null(
            strstr(run_with(EX_DATAERR, "share add b --path", path)->err,
                   "overlaps the home of dora; give another --path DIR"));
        run_with(EX_USAGE, "share add b --path", world.homes);
    }
    snprintf(path, sizeof(path), "%s/sub", in(world.shares, "a"));
    cr_expect_not_null(
        strstr(run_with(EX_DATAERR, "share add b --path", path)->err,
               "overlaps the share a"));
    run_with(EX_USAGE, "share add b --path", world.shares);
    cr_expect_not_null(
        strstr(run_with(EX_USAGE, "share add b --path", scratch)->err,
               "; give a directory for this share alone"));
    if (geteuid() != 0)
        return;
    cr_expect_not_null(
        strstr(run_with(EX_DATAERR, "user add emil --home", path)->err,
               "overlaps the share a; give --home DIR"));
    cr_expect_not_null(
        strstr(run_with(EX_DATAERR, "user add emil --home", world.shares)->err,
               "(shares)"));
}

Test(share, without_root_only_in_the_setting)
{
    if (geteuid() == 0)
        world_skip("root may give any directory");
    cr_expect_not_null(strstr(
        run_with(EX_USAGE, "share add a --path", in_scratch("elsewhere"))->err,
        "without root it must lie beneath"));
}

/* A group of the system, which local programs are in. */
static const struct group *local_group(void)
{
    const struct group *g;

    setgrent();
    while ((g = getgrent()) && g->gr_gid < 100)
        ;
    return g;
}

Test(share, of_a_local_group)
{
    const struct group *g = local_group();
    char words[256], text[256];
    struct stat st;

    if (geteuid() != 0 || !g)
        world_skip("only root gives directories to any group");
    snprintf(words, sizeof(words), "share add a --local-group %s", g->gr_name);
    expect_run(0, "", words);
    snprintf(text, sizeof(text), "@share:a:%u:", g->gr_gid);
    expect_users(text);
    cr_assert_eq(stat(in(world.shares, "a"), &st), 0);
    cr_expect_eq(st.st_gid, g->gr_gid);
    cr_expect_eq(st.st_mode & 07777, 02770);
    cr_expect_not(files_exists(in_scratch("users.last-gid")));
    snprintf(words, sizeof(words), "share add b --local-group %s", g->gr_name);
    expect_err(EX_DATAERR, "", words, "each share needs a group of its own");
    snprintf(text, sizeof(text), "group:    %s\n", g->gr_name);
    expect_out(0, "", "share show a", text);
    /* The share's members could enter the home. */
    snprintf(words, sizeof(words), "user add emil --local-group %s",
             g->gr_name);
    expect_err(EX_DATAERR, PASSWORD, words, "is that of the share a, whose");
    expect_run(0, "", "share del a --purge --yes");
    expect_run(0, PASSWORD, words);
    snprintf(text, sizeof(text), "share add a --local-group %s", g->gr_name);
    expect_err(EX_DATAERR, "", text, "is that of the home of emil, which");
    cr_assert_eq(stat(in(world.homes, "emil"), &st), 0);
    cr_expect_eq(st.st_uid, 70003);
    cr_expect_eq(st.st_gid, g->gr_gid);
    cr_expect_eq(st.st_mode & 07777, 02770);
    expect_users("rights=full file_mode=0660 dir_mode=0770\n");
}

Test(share, grant_and_revoke)
{
    expect_run(0, "", "share add offers");
    expect_run(0, "", "share add contracts");
    expect_run(0, "", "team add legal carla");
    expect_out(0, "", "share grant offers anna:read",
               "share offers: granted to anna:read\n");
    expect_run(0, "", "share grant contracts anna bert:lr team:legal:drop");
    expect_users("::rights=full shares=contracts,offers:read\n");
    expect_users("bert:!:70001:70001::/i::shares=contracts:read\n");
    expect_users("@team:legal:shares=contracts:drop\n");
    expect_run(0, "", "share grant contracts anna:lrw bert:full");
    expect_users("::rights=full shares=contracts:lrw,offers:read\n");
    expect_users("/i::shares=contracts\n");
    expect_run(0, "", "share revoke contracts anna bert team:legal");
    expect_users("::rights=full shares=offers:read\n");
    expect_users("/i::\n");
    expect_users("@team:legal:\n");
}

/* With an unknown member there is no share, and its gid stays unused. */
Test(share, add_with_members)
{
    expect_err(EX_NOUSER, "", "share add offers anna zoe", "no user zoe");
    expect_err(EX_USAGE, "", "share add offers anna:all", "expected full");
    expect_not_in_users("offers");
    cr_expect_not(files_exists(in(world.shares, "offers")));
    expect_run(0, "", "team add legal carla");
    expect_out(0, "", "share add offers anna bert:read team:legal:drop",
               "share offers: granted to anna\n"
               "share offers: granted to bert:read\n");
    expect_directory(in(world.shares, "offers"), 80000);
    expect_users("::rights=full shares=offers\n");
    expect_users("/i::shares=offers:read\n");
    expect_users("@team:legal:shares=offers:drop\n");
}

/* All words happen, or none. */
Test(share, grants_that_are_refused)
{
    static const struct {
        int code;
        const char *words, *complaint;
    } table[] = {
        { EX_NOUSER, "share grant none anna",
          "there is no share none; run: sallyportctl share list" },
        { EX_NOUSER, "share grant a anna zoe",
          "there is no user zoe; run: sallyportctl user list" },
        { EX_NOUSER, "share grant a zoe:read", "there is no user zoe;" },
        { EX_NOUSER, "share grant a anna team:x",
          "there is no team x; run: sallyportctl team list" },
        { EX_NOUSER, "share grant a team:anna", "there is no team anna" },
        { EX_USAGE, "share grant a anna bert:all", "bert:all: expected full" },
        { EX_USAGE, "share grant a anna bert:", "expected full" },
        { EX_USAGE, "share grant a anna,bert:drop", "a blank between" },
        { EX_USAGE, "share revoke a anna,bert", "a blank between" },
        { EX_USAGE, "share revoke a anna:read",
          "no role is revoked alone; for other rights run: sallyportctl share "
          "grant a anna:read" },
        { EX_DATAERR, "share revoke a anna",
          "anna has no own grant in a; run: sallyportctl share show a" },
        { EX_NOUSER, "share revoke none anna", "there is no share none" },
        { EX_NOUSER, "share del none", "there is no share none" },
        { EX_NOUSER, "share show none", "there is no share none" },
        { EX_NOUSER, "team show none", "there is no team none" },
    };

    expect_run(0, "", "share add a");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        expect_err(table[i].code, "", table[i].words, table[i].complaint);
    expect_not_in_users("shares=");
}

Test(team, limits)
{
    expect_run(0, "", "team add legal anna");
    expect_run(0, "",
               "team change legal --max-sessions 5 --bandwidth-up 10M "
               "--networks 192.0.2.0/24 --hours mon-fri");
    expect_users("@team:legal:max_sessions=5 bandwidth_up=10M "
                 "networks=192.0.2.0/24 hours=mon-fri\n");
    expect_out(0, "", "team show legal",
               "\nlimits:   networks 192.0.2.0/24, hours mon-fri, "
               "max_sessions 5, bandwidth_up 10485760\n");
    expect_out(0, "", "user show anna",
               "\nof teams:\n  legal: networks 192.0.2.0/24, hours mon-fri, "
               "max_sessions 5, bandwidth_up 10485760\n");
    expect_out(0, "", "user show bert", "\nof teams: none\n");
    expect_out(0, "", "team show legal --json", "\"bandwidth_down\": null");
    expect_out(0, "", "team show legal --json", "\"bandwidth_up\": 10485760");
    expect_run(0, "", "team change legal --networks default --hours default");
    expect_users("@team:legal:max_sessions=5 bandwidth_up=10M\n");
    expect_err(EX_USAGE, "", "team change legal", "nothing to change");
    expect_err(EX_USAGE, "", "team change legal --max-sessions x",
               "--max-sessions x: expected a number from 1 to 20000");
    expect_run(EX_USAGE, "", "team change legal --role read");
    expect_err(EX_NOUSER, "", "team change none --max-sessions 1",
               "there is no team none");
}

/* What the same command has taken from the team isn't kept. */
Test(share, revoke_of_a_user_and_the_team)
{
    expect_run(0, "", "share add a");
    expect_run(0, "", "team add legal anna");
    expect_run(0, "", "share grant a anna team:legal");
    cr_expect_str_eq(expect_run(0, "", "share revoke a anna team:legal")->err,
                     "");
}

/* A revoked user who is in a team keeps the team's rights, and that is said. */
Test(share, revoke_names_a_team_that_still_grants)
{
    expect_run(0, "", "share add a");
    expect_run(0, "", "team add legal anna");
    expect_run(0, "", "share grant a anna team:legal:drop");
    expect_err(0, "", "share revoke a anna",
               "anna still has drop by the team legal; to change that run: "
               "sallyportctl team leave legal anna");
}

Test(share, del_takes_it_from_all)
{
    expect_run(0, "", "share add a");
    expect_run(0, "", "share add b");
    expect_run(0, "", "team add legal carla");
    expect_run(0, "", "share grant a anna bert:read team:legal");
    expect_run(0, "", "share grant b anna");
    expect_err(EX_USAGE, "y\n", "share del a --purge", "give --yes");
    expect_run(0, "", "share del a");
    expect_not_in_users("shares=a");
    expect_users("::rights=full shares=b\n");
    expect_users("@team:legal:\n");
    cr_expect(files_exists(in(world.shares, "a")));
    file_write(in(world.shares, "b/file"), "x");
    expect_out(0, "", "share del b --purge --yes", " removed\n");
    cr_expect_not(files_exists(in(world.shares, "b")));
    expect_not_in_users("@share");
}

/* As for users: what isn't beneath the setting isn't removed. */
Test(share, purge_only_in_the_setting)
{
    if (geteuid() != 0)
        world_skip("without root no share is elsewhere");
    run_with(0, "share add a --path", in_scratch("elsewhere"));
    expect_err(EX_CANTCREAT, "", "share del a --purge --yes",
               "was not removed: it isn't beneath ");
    expect_run(0, "", "share show a");
    cr_expect(files_exists(in_scratch("elsewhere")));
}

Test(share, list_and_show)
{
    json_t *json, *member;
    const struct run *r;

    expect_run(0, "", "share add contracts --file-mode 0640");
    expect_run(0, "", "team add legal anna carla");
    expect_run(0, "", "share grant contracts anna:read team:legal:drop");
    r = expect_run(0, "", "share list");
    cr_expect_not_null(strstr(r->out, "80000 0640       2 /"), "%s", r->out);
    r = expect_run(0, "", "share show contracts");
    cr_expect_not_null(
        strstr(r->out,
               "file mode: 0640\nretain:   for ever\nline:     4\nmembers:\n"));
    cr_expect_not_null(
        strstr(r->out, "  anna                 lrw      read by own grant, "
                       "line 1; drop by team legal, line 5\n"
                       "  carla                drop     drop by team legal, "
                       "line 5\n"),
        "%s", r->out);
    json = json_loads(expect_run(0, "", "share show contracts --json")->out, 0,
                      NULL);
    cr_assert_not_null(json);
    cr_expect_str_eq(json_string_value(json_object_get(json, "file_mode")),
                     "0640");
    cr_expect_eq(json_array_size(json_object_get(json, "members")), 2);
    member = json_array_get(json_object_get(json, "members"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(member, "rights")),
                     "lrw");
    cr_expect_eq(json_array_size(json_object_get(member, "by")), 2);
    json_decref(json);
    json = json_loads(expect_run(0, "", "share list --json")->out, 0, NULL);
    cr_assert_not_null(json);
    cr_expect_eq(
        json_integer_value(json_object_get(json_array_get(json, 0), "members")),
        2);
    json_decref(json);
}

Test(team, life_of_one)
{
    expect_out(0, "", "team add legal carla anna",
               "team legal: carla added\nteam legal: anna added\n");
    expect_users("@team:legal:\n");
    expect_users("::rights=full teams=legal\n");
    expect_err(EX_DATAERR, "", "team add legal",
               "legal is there already; run: sallyportctl team join legal "
               "USER");
    expect_out(0, "", "team add board", "team board: added\n");
    expect_run(0, "", "team join board anna bert");
    expect_users("::rights=full teams=board,legal\n");
    expect_run(0, "", "team join board anna");
    expect_users("::rights=full teams=board,legal\n");
    expect_err(EX_DATAERR, "", "team leave board carla",
               "carla isn't in the team board; run: sallyportctl team show "
               "board");
    expect_err(EX_NOUSER, "", "team leave board zoe", "there is no user zoe");
    expect_err(EX_NOUSER, "", "team join none anna",
               "there is no team none; run: sallyportctl team list");
    expect_out(0, "", "team leave board bert", "team board: bert left\n");
    expect_users("/i::\n");
    expect_out(0, "", "team del legal", "team legal: removed\n");
    expect_not_in_users("legal");
    expect_users("::rights=full teams=board\n");
    expect_run(EX_NOUSER, "", "team del legal");
}

Test(team, list_and_show)
{
    json_t *json;
    const struct run *r;

    expect_run(0, "", "share add a");
    expect_run(0, "", "team add legal anna bert");
    expect_run(0, "", "team add empty");
    expect_run(0, "", "share grant a team:legal:read");
    r = expect_run(0, "", "team list");
    cr_expect_not_null(strstr(r->out, "legal                      2 a:read\n"),
                       "%s", r->out);
    cr_expect_not_null(strstr(r->out, "empty                      0 none\n"),
                       "%s", r->out);
    r = expect_run(0, "", "team show legal");
    cr_expect_not_null(
        strstr(r->out, "members:  anna,bert\nshares:\n  a:read\n"), "%s",
        r->out);
    json =
        json_loads(expect_run(0, "", "team show legal --json")->out, 0, NULL);
    cr_assert_not_null(json);
    cr_expect_eq(json_array_size(json_object_get(json, "members")), 2);
    cr_expect_str_eq(
        json_string_value(json_object_get(
            json_array_get(json_object_get(json, "shares"), 0), "rights")),
        "read");
    json_decref(json);
    json = json_loads(expect_run(0, "", "team list --json")->out, 0, NULL);
    cr_expect_eq(json_array_size(json), 2);
    json_decref(json);
}

/* Memberships are in the row, so nothing else names a removed user. */
/* No name of a long list is left out. */
Test(team, with_thousands_of_members)
{
    struct buf text;
    const struct run *r;

    buf_init(&text, USERS_FILE_MAX);
    buf_add_text(&text, "@team:all:\n");
    for (unsigned i = 0; i < 3000; i++)
        buf_add_format(&text, "member%04u:!:%u:%u::/h%u::teams=all\n", i,
                       70000 + i, 70000 + i, i);
    buf_add(&text, "", 1);
    file_write(world.users, text.data);
    buf_release(&text);
    r = expect_run(0, "", "team show all");
    cr_expect(strstr(r->out, "member0000,") && strstr(r->out, ",member2999\n"));
}

Test(team, a_removed_user_leaves_nothing)
{
    expect_run(0, "", "share add a");
    expect_run(0, "", "team add legal anna");
    expect_run(0, "", "share grant a anna");
    expect_run(0, "", "user del anna");
    expect_not_in_users("anna");
    expect_out(0, "", "team list", "legal                      0 none");
}

Test(share, of_a_new_user)
{
    expect_run(0, "", "share add a");
    expect_run(0, "", "share add b");
    expect_run(0, "", "team add legal");
    expect_run(0, PASSWORD,
               "user add dora --share b:read,a:full --team legal --rights-in "
               "/incoming/:drop --dir-mode 0750");
    expect_users("::rights=full dir_mode=0750 rights./incoming=drop "
                 "shares=a,b:read teams=legal\n");
    expect_err(EX_NOUSER, PASSWORD, "user add emil --share x",
               "there is no share x; run: sallyportctl share list");
    expect_err(EX_NOUSER, PASSWORD, "user add emil --team legal:read",
               "there is no team legal:read");
    expect_err(EX_USAGE, PASSWORD, "user add emil --share a:all",
               "--share a:all: expected full");
    cr_expect_not(files_exists(in(world.homes, "emil")));
}

Test(share, user_show_and_change)
{
    json_t *json;
    const struct run *r;

    expect_run(0, PASSWORD, "user add dora");
    expect_run(0, "", "share add a");
    expect_run(0, "", "team add legal dora");
    expect_run(0, "", "share grant a team:legal:read");
    expect_run(0, "", "user change dora --rights-in /in:drop --file-mode 0640");
    expect_users("rights=full teams=legal file_mode=0640 rights./in=drop\n");
    r = expect_run(0, "", "user show dora");
    cr_expect_not_null(
        strstr(r->out, "file mode: 0640\ndirectory mode: the server's "
                       "setting\nteams:    legal\nshares:\n  a read (read by "
                       "team legal, line 6)\nrights in:\n  /in drop\n"),
        "%s", r->out);
    json = json_loads(expect_run(0, "", "user show dora --json")->out, 0, NULL);
    cr_assert_not_null(json);
    cr_expect_str_eq(
        json_string_value(json_object_get(
            json_array_get(json_object_get(json, "directories"), 0), "path")),
        "/in");
    cr_expect_eq(json_array_size(json_object_get(json, "shares")), 1);
    cr_expect_eq(json_array_size(json_object_get(json, "teams")), 1);
    json_decref(json);
    expect_run(0, "",
               "user change dora --rights-in /in:default --file-mode default");
    expect_users("rights=full teams=legal\n");
}

/* The user can't make such a directory, so the command does, like the directory
 * above it. */
Test(share, a_directory_with_rights_is_made)
{
    char path[256];
    struct stat st;

    expect_run(0, PASSWORD, "user add dora --rights-in /a/b:drop");
    snprintf(path, sizeof(path), "%s/a/b", in(world.homes, "dora"));
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_uid, geteuid() == 0 ? 70003 : geteuid());
    cr_expect_eq(st.st_mode & 07777, 0700);
    cr_assert_eq(chmod(in(world.homes, "dora"), 02770), 0);
    cr_assert_eq(symlink("..", in(world.homes, "dora/up")), 0);
    expect_run(0, "", "user change dora --rights-in /c:read");
    cr_assert_eq(stat(in(world.homes, "dora/c"), &st), 0);
    cr_expect_eq(st.st_mode & 07777, 02770);
    expect_err(EX_CANTCREAT, "", "user change dora --rights-in /up/x:read",
               "/up/x in ");
    cr_expect_not(files_exists(in(world.homes, "x")));
    expect_not_in_users("rights./up");
    expect_err(EX_CANTCREAT, "", "user change anna --rights-in /c:read",
               "/h: No such file");
}

/* Only an edit that isn't written leaves them. */
Test(share, a_directory_with_rights_of_a_user_that_is_not_added)
{
    cr_assert_eq(mkdir(in_scratch(".users.sallyport-new"), 0700), 0);
    expect_run(EX_CANTCREAT, PASSWORD, "user add dora --rights-in /a/b:drop");
    cr_expect_not(files_exists(in(world.homes, "dora")));
    expect_not_in_users("dora");
}

/* Only w and i count in a drop. */
Test(share, rights_that_do_not_count)
{
    expect_run(0, "", "share add a");
    expect_err(0, "", "share grant a anna:wd",
               "anna:wd: a role with w, and neither l nor r, is a drop: of its "
               "letters only w and i count");
    expect_out(0, "", "share show a",
               "anna                 drop     wd by own");
    expect_run(0, "", "team add legal anna");
    expect_run(0, "", "share grant a team:legal:read");
    expect_out(0, "", "share show a", "anna                 lrwd ");
    cr_expect_str_eq(expect_run(0, "", "share grant a team:legal:wi")->err, "");
    expect_run(0, "", "share revoke a anna");
    expect_out(
        0, "", "share show a",
        "anna                 wi       wi by team legal, line 5; uploads "
        "wait for inspection");
}

/* The files of a removed share keep their gid. */
Test(share, a_gid_of_a_removed_share)
{
    if (geteuid() != 0)
        world_skip("only root gives directories to any group");
    expect_run(0, "", "share add a");
    expect_run(0, "", "share del a");
    expect_err(EX_DATAERR, "", "share add b --gid 80000",
               "may have been another share's");
    expect_run(0, "", "share add a --gid 80000");
    expect_err(EX_USAGE, PASSWORD, "user add emil --gid 80001",
               "are for shares; leave out --gid");
}

/* Lines that are written by hand may overlap. */
Test(share, a_purge_takes_nothing_else)
{
    char lines[8192];

    expect_run(0, "", "share add a");
    snprintf(lines, sizeof(lines), "%szoe:!:70077:70077::%s/a/zoe::\n",
             file_text(world.users), world.shares);
    file_write(world.users, lines);
    expect_err(EX_DATAERR, "", "share del a --purge --yes",
               "overlaps the home of zoe");
    expect_err(EX_DATAERR, "", "user del zoe --purge --yes",
               "overlaps the share a");
}

Test(share, a_user_with_the_name_team)
{
    expect_run(0, "", "share add a");
    expect_run(0, PASSWORD, "user add team");
    expect_run(0, "", "team add read");
    expect_err(EX_USAGE, "", "share grant a team:read",
               "a user has the name team");
    expect_run(0, "", "share grant a team");
}

/* --retain sets one entry. Without systemd something must run the removals. */
Test(share, retain)
{
    expect_run(0, "", "share add a --retain 30d");
    expect_users("/a:retain=/:30d\n");
    expect_err(0, "", "share change a --retain /in:2h",
               access("/run/systemd/system", F_OK) == 0
                   ? ""
                   : "each day: sallyportctl retention run");
    expect_users("/a:retain=/:30d,/in:2h\n");
    expect_run(0, "", "share change a --retain 1w --file-mode 0640");
    expect_users("/a:file_mode=0640 retain=/:1w,/in:2h\n");
    expect_out(0, "", "share show a", "retain:   /:1w,/in:2h\n");
    expect_out(0, "", "share show a --json", "\"retain\": \"/:1w,/in:2h\"");
    expect_run(0, "", "share change a --retain default");
    expect_run(0, "", "share change a --retain /in:default");
    expect_users("/a:file_mode=0640\n");
    expect_run(EX_USAGE, "", "share change a");
    expect_run(EX_NOUSER, "", "share change b --retain 1d");
    expect_run(0, PASSWORD, "user add dora --retain /in:7d");
    expect_users("retain=/in:7d\n");
    expect_out(0, "", "user show dora", "retain:   /in:7d\n");
}

Test(share, retain_that_is_refused)
{
    static const char *const values[] = {
        "30",      "d",        "0d",      "59min",   "30d,1d",  "/in", "in:1d",
        "/in/:1d", "/../x:1d", "/a:b:1d", "/a,b:1d", "100000d", ":1d", "",
    };
    char words[64];

    expect_run(0, "", "share add a");
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        snprintf(words, sizeof(words), "share change a --retain=%s", values[i]);
        expect_err(EX_USAGE, "", words, "PATH:TIME");
    }
    expect_not_in_users("retain");
}

/* The count is beside the files, wherever the home is. */
Test(share, max_files)
{
    char home[128], words[64];
    struct stat st;

    expect_run(0, PASSWORD, "user add dora --role drop --max-files 20");
    expect_users("rights=drop max_files=20\n");
    expect_out(0, "", "user show dora", "files:    0\nmax files: 20\n");
    snprintf(home, sizeof(home), "%s/dora", world.homes);
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "7", 1, 0), 0);
    expect_out(0, "", "user show dora", "files:    7\nmax files: 20\n");
    expect_out(0, "", "user show dora --json", "\"files\": 7");
    expect_err(0, "", "user change dora --max-files 30",
               "/dora: 7 of 30 files are counted already");
    expect_run(0, "", "user change dora --max-files 20");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "x", 1, 0), 0);
    expect_out(0, "", "user show dora",
               "files:    not counted\nmax files: 20\n");
    expect_run(EX_USAGE, "", "user change dora --max-files 0");
    expect_run(EX_USAGE, "", "user change dora --max-files 4294967296");
    expect_run(0, "", "user change dora --max-files default");
    expect_users("rights=drop\n");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "20", 2, 0), 0);
    expect_run(0, "", "user del dora");
    cr_assert_eq(stat(home, &st), 0);
    snprintf(words, sizeof(words), "user add dora --max-files 20");
    if (geteuid() == 0) /* the home keeps its owner */
        snprintf(words, sizeof(words), "user add dora --max-files 20 --uid %u",
                 (unsigned)st.st_uid);
    expect_err(0, PASSWORD, words, "/dora: 20 of 20 files are counted already");
}

/* ramfs has no extended attributes. */
Test(share, max_files_without_attributes)
{
    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mkdir(world.homes, 0711) < 0 ||
        mount("none", world.homes, "ramfs", 0, NULL) < 0)
        world_skip("nothing can be mounted here");
    expect_err(EX_CONFIG, PASSWORD, "user add dora --max-files 2",
               "stores no extended attributes");
    expect_not_in_users("dora");
    cr_expect_eq(access(in(world.homes, "dora"), F_OK), -1);
    expect_run(0, PASSWORD, "user add dora");
    expect_err(EX_CONFIG, "", "user change dora --max-files 2",
               "stores no extended attributes");
    cr_assert_eq(umount(world.homes), 0);
}
