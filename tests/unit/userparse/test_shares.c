/* Shares, teams, and the rights that they give to users. */
#include "parse.h"
#include "support/long.h"

/* "a:full b:lr": the grants. */
static const char *rights_of(const char *name)
{
    static char out[1024];
    const struct user *user = users_find(&u, slice_from(name));
    size_t len = 0;
    char text[16];

    cr_assert(user);
    out[0] = '\0';
    for (size_t i = 0; i < user->grants; i++)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s:%s",
                                len ? " " : "",
                                user->share[user->grant[i].share].name,
                                rights_text(user->grant[i].rights, text));
    return out;
}

#define LIMITED(name)            "@team:" name ":bandwidth_up=0\n"
#define USER(name, uid, options) name ":!:" uid ":1::/h::" options "\n"

/* Lines may name what comes later. */
static const char company[] =
    "anna:!:1:1::/h::rights=read shares=offers:read,contracts teams=legal\n"
    "@team:legal:shares=contracts:drop,offers:drop\n"
    "@share:contracts:80000:/srv/shares/contracts:file_mode=0640\n"
    "bert:!:2:1::/h::teams=sales,legal\n"
    "carl:!:3:1::/h::\n"
    "@team:sales:shares=offers:lr\n"
    "@team:nobody:\n"
    "dora:!:4:1::/h::file_mode=640 dir_mode=0750\n"
    "@share:offers:80001:/srv/shares/offers:\n"
    "emil:!:5:1::/h::teams=nobody shares=contracts:collect\n";

Test(shares, rights)
{
    read_well(company);
    cr_assert_eq(u.count, 5);
    cr_expect_str_eq(rights_of("anna"), "contracts:full offers:lrw");
    cr_expect_str_eq(rights_of("bert"), "contracts:drop offers:lrw");
    cr_expect_str_eq(rights_of("carl"), "");
    cr_expect_str_eq(rights_of("dora"), "");
    cr_expect_str_eq(rights_of("emil"), "contracts:collect");
    cr_expect_eq(u.row[0].rights, RIGHT_LIST | RIGHT_READ);
    cr_expect_eq(u.row[3].file_mode, 0640);
    cr_expect_eq(u.row[3].dir_mode, 0750);
    cr_expect_eq(u.row[0].file_mode, 0);
    users_release(&u);
    cr_expect(!u.share && !u.team && !u.grant);
}

Test(shares, rows)
{
    read_well(company);
    cr_assert_eq(u.shares, 2);
    cr_expect_str_eq(u.share[0].name, "contracts");
    cr_expect_str_eq(u.share[0].path, "/srv/shares/contracts");
    cr_expect_eq(u.share[0].gid, 80000);
    cr_expect_eq(u.share[0].file_mode, 0640);
    cr_expect_eq(u.share[0].line, 3);
    cr_expect_str_eq(u.share[1].name, "offers");
    cr_expect_eq(u.share[1].file_mode, 0);
    cr_assert_eq(u.teams, 3);
    cr_expect_str_eq(u.team[0].name, "legal");
    cr_expect(
        slice_equal(u.team[0].shares, SLICE("contracts:drop,offers:drop")));
    cr_expect_eq(u.team[0].line, 2);
    cr_expect_eq(u.team[2].shares.len, 0);
    cr_expect(slice_equal(u.row[0].shares, SLICE("offers:read,contracts")));
    cr_expect(slice_equal(u.row[1].teams, SLICE("sales,legal")));
    cr_expect_eq(u.row[2].teams.len, 0);
}

#define SHARE(name, gid, path) "@share:" name ":" gid ":" path ":\n"
#define S                      SHARE("s", "100", "/s")

static const struct mistake mistakes[] = {
    { "@", "users:1: expected @share: or @team: after the @" },
    { "@shares:a:100:/s:", "users:1: expected @share:" },
    { "@share:a:100:/s", "users:1: too few columns; expected @share:name:gid" },
    { "@team:a", "users:1: too few columns; expected @team:name:options" },
    { SHARE("A", "100", "/s"), "users:1: bad name" },
    { SHARE("", "100", "/s"), "users:1: bad name" },
    { "@team:.a:", "users:1: bad name" },
    { SHARE("a", "", "/s"), "users:1: the gid is not a number" },
    { SHARE("a", "4294967295", "/s"), "users:1: the gid is not a number" },
    { SHARE("a", "0", "/s"), "users:1: gid 0 is one of Debian's own groups" },
    { SHARE("a", "99", "/s"), "users:1: gid 99 is one of Debian's own groups" },
    { SHARE("a", "100", "s"), "users:1: bad path" },
    { SHARE("a", "100", ""), "users:1: bad path" },
    { SHARE("a", "100", "/"), "users:1: bad path" },
    { SHARE("a", "100", "/s/"), "users:1: bad path" },
    { SHARE("a", "100", "/s//t"), "users:1: bad path" },
    { SHARE("a", "100", "/./s"), "users:1: bad path" },
    { SHARE("a", "100", "/s/.."), "users:1: bad path" },
    { SHARE("a", "100", "/s\t"), "users:1: bad path" },
    { "@share:a:100:/s:rights=full", "users:1: unknown key \"rights\"" },
    { "@share:a:100:/s:dir_mode=0700", "users:1: unknown key \"dir_mode\"" },
    { "@share:a:100:/s:rights./x=lr", "users:1: unknown key \"rights./x\"" },
    { "@share:a:100:/s:file_mode=0666", "users:1: file_mode=0666: expected" },
    { "@share:a:100:/s:file_mode=rw", "users:1: file_mode=rw: expected" },
    { "@team:a:teams=b", "users:1: unknown key \"teams\"" },
    { "@team:a:shares=", "users:1: shares=: expected a name" },
    { S "\n" SHARE("s", "101", "/t"), "users:3: the name is also in line 1" },
    { S "\n" SHARE("t", "100", "/t"), "users:3: the gid is also in line 1" },
    { "a:!:1:100::/h::\n" S, "users:1: the share of line 2 has this gid" },
    { S "\n" SHARE("t", "101", "/s"),
      "users:3: the path overlaps the path of" },
    { SHARE("t", "101", "/s/a") SHARE("v", "102", "/s!") S,
      "users:3: the path overlaps the path of line 1" },
    { S SHARE("v", "102", "/s!") SHARE("t", "101", "/s/a/b"),
      "users:3: the path overlaps the path of line 1" },
    { "@team:a:\n@team:a:\n", "users:2: the name is also in line 1" },
    { S "\n@team:a:shares=s,t\n",
      "users:3: shares=t: there is no line @share:t:" },
    { S "@team:a:shares=s,\n", "users:2: shares=: there is no line @share::" },
    { S "@team:a:shares=s:lr,s:w\n", "users:2: shares=: s occurs twice" },
    { S "@team:a:shares=s:x\n", "users:2: shares=s:x: expected full" },
    { S "@team:a:shares=s:\n", "users:2: shares=s:: expected full" },
    { USER("a", "1", "shares=t"), "users:1: shares=t: there is no line" },
    { USER("a", "1", "shares=0123456789012345678901234567890123:lr"),
      "users:1: shares=0123456789012345678901234567890123:lr: there is no " },
    { S USER("a", "1", "shares=s,s"), "users:2: shares=: s occurs twice" },
    { S USER("a", "1", "shares=s shares=s"), "users:2: shares= occurs twice" },
    { USER("a", "1", "teams=t"),
      "users:1: teams=t: there is no line @team:t:" },
    { USER("a", "1", "teams="), "users:1: teams=: expected a name" },
    { "@team:t:\n" USER("a", "1", "teams=t,t"),
      "users:2: teams=: t occurs twice" },
    { "@team:t:hours=mon-\n", "users:1: hours=mon-: expected days" },
    { "@team:t:max_sessions=0\n", "users:1: max_sessions=0: expected a num" },
    { "@team:t:certificate=x\n", "users:1: unknown key \"certificate\"" },
    { LIMITED("a") LIMITED("b") LIMITED("c") LIMITED("d") LIMITED("e")
          USER("a", "1", "teams=a,b,c,d,e"),
      "users:6: teams=: more than 4 teams with limits" },
    { USER("a", "1", "dir_mode=0600"), "users:1: dir_mode=0600: expected" },
    { USER("a", "1", "dir_mode=0777"), "users:1: dir_mode=0777: expected" },
    { USER("a", "1", "file_mode=0400"), "users:1: file_mode=0400: expected" },
    { S "@team:t:shares=s:read\n" USER("a", "1", "shares=s:mine teams=t"),
      "users:3: the share s: two lines grant it to the user" },
    { USER("a", "1", "rights=u"), "users:1: rights=u: expected full" },
    { USER("a", "1", "rights=lmu"), "users:1: rights=lmu: expected full" },
    { USER("a", "1", "uploads=0"), "users:1: uploads=0: expected a number" },
    { USER("a", "1", "uploads=4294967296"), "users:1: uploads=429496" },
    { USER("a", "1", "uploads="), "users:1: uploads=: expected a number" },
    { USER("a", "1", "upload_bytes=0"),
      "users:1: upload_bytes=0: expected a number from 1 to " },
    { USER("a", "1", "upload_bytes=8388608T"),
      "users:1: upload_bytes=8388608T: ex" },
    { USER("a", "1", "upload_bytes="),
      "users:1: upload_bytes=: expected a number" },
    { USER("a", "1", "retain=30d"), "users:1: retain=30d: expected PATH:TIME" },
    { USER("a", "1", "retain="), "users:1: retain=: expected PATH:TIME" },
    { USER("a", "1", "retain=/:59min"), "users:1: retain=/:59min: expected" },
    { USER("a", "1", "retain=/:1d,"), "users:1: retain=/:1d,: expected" },
    { USER("a", "1", "retain=/a/:1d"), "users:1: retain=/a/:1d: expected" },
    { "@team:a:retain=/:1d", "users:1: unknown key \"retain\"" },
    { "@share:a:100:/s:retain=x:1d", "users:1: retain=x:1d: expected" },
    { "@share:a:100:/s:uploads=2", "users:1: unknown key \"uploads\"" },
    { "@team:a:upload_bytes=2", "users:1: unknown key \"upload_bytes\"" },
};

/* Both for the own files, or both for all. */
Test(shares, mine_twice)
{
    read_well(
        S "@team:t:shares=s:lru\n" USER("a", "1",
                                        "shares=s:wu teams=t retain=/:1h,/b:2d "
                                        "uploads=7 upload_bytes=20G"));
    cr_expect_eq(u.row[0].grant[0].rights,
                 RIGHT_LIST | RIGHT_READ | RIGHT_WRITE | RIGHT_MINE);
    cr_expect_eq(row_limit(&u.row[0].limits, ROW_UPLOADS, 0), 7);
    cr_expect_eq(row_limit(&u.row[0].limits, ROW_UPLOAD_BYTES, 0), UINT64_C(20)
                                                                       << 30);
    cr_expect(slice_equal(u.row[0].retain, SLICE("/:1h,/b:2d")));
}

Test(shares, mistakes)
{
    EXPECT_MISTAKES(mistakes);
}

/* --- limits --------------------------------------------------------------- */

static struct buf text;

static void begin_text(void)
{
    buf_init(&text, USERS_FILE_MAX);
}

static void end_text(void)
{
    buf_release(&text);
}

TestSuite(limits, .init = begin_text, .fini = end_text, .timeout = 120);

static void add_shares(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(
            buf_add_format(&text, "@share:s%u:%u:/s/s%u:\n", i, 1000 + i, i),
            0);
}

/* "s0:role,s1:role,…" */
static void add_each(const char *separator, const char *before,
                     const char *after, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(buf_add_format(&text, "%s%s%u%s", i ? separator : "",
                                    before, i, after),
                     0);
}

/* The text is accepted; with LINE after it, it is refused. */
static void expect_full(const char *line, const char *complaint)
{
    cr_assert_eq(read_slice(buf_slice(&text)), 0, "%s", c.text);
    cr_assert_eq(buf_add_text(&text, line), 0);
    cr_expect_eq(read_slice(buf_slice(&text)), -EINVAL);
    cr_expect_str_eq(c.text, complaint);
}

Test(limits, shares)
{
    add_shares(SHARES_MAX);
    expect_full("@share:t:200:/t:\n", "users:4097: more than 4096 shares");
}

Test(limits, teams)
{
    add_each("\n", "@team:t", ":", TEAMS_MAX);
    expect_full("\n@team:u:\n", "users:4097: more than 4096 teams");
}

#define TOO_MANY "more than 64 shares"

Test(limits, shares_of_a_user)
{
    add_shares(USER_MOUNTS_MAX + 1);
    buf_add_text(&text, "anna:!:1:1::/a::shares=");
    add_each(",", "s", "", USER_MOUNTS_MAX);
    expect_full(",s64\n", "users:66: " TOO_MANY);
}

Test(limits, shares_of_a_team)
{
    add_shares(USER_MOUNTS_MAX + 1);
    buf_add_text(&text, "@team:t:shares=");
    add_each(",", "s", "", USER_MOUNTS_MAX);
    expect_full(",s64\n", "users:66: " TOO_MANY);
}

Test(limits, shares_of_a_user_and_of_two_teams)
{
    add_shares(USER_MOUNTS_MAX + 1);
    buf_add_text(&text, "@team:t:shares=");
    add_each(",", "s", "", USER_MOUNTS_MAX);
    buf_add_text(&text, "\n@team:u:shares=s0,s64\nanna:!:1:1::/a::teams=t");
    expect_full(",u\n", "users:68: " TOO_MANY);
}

static void add_members(unsigned n, const char *options)
{
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(
            buf_add_format(&text, "u%u:!:%u:1::/h::%s\n", i, i + 1, options),
            0);
}

Test(limits, grants, WITHOUT_SANITIZERS)
{
    const unsigned members = GRANTS_MAX / USER_MOUNTS_MAX;

    add_shares(USER_MOUNTS_MAX);
    buf_add_text(&text, "@team:t:shares=");
    add_each(",", "s", "", USER_MOUNTS_MAX);
    buf_add_text(&text, "\n");
    add_members(members, "teams=t");
    expect_full("anna:!:999999:1::/a::shares=s0\n",
                "users:16450: more than 1048576 rights in shares");
}

/* All mistakes are reported. A user with one stays, without shares. */
Test(shares, a_survey)
{
    FD_CLEANUP int fd = fd_sealed(
        "users",
        SLICE(S "@team:t:shares=x,s,y\n@share:b:1:/b:\n" USER(
            "anna", "1", "shares=s,z teams=v") USER("bert", "2", "teams=t")
                  USER("carl", "3", "shares=s,s")));
    told[0] = '\0';
    cr_assert_eq(users_survey(&u, fd, "users", tell, &c), 5, "%s", told);
    cr_expect(strstr(told, "users:2: shares=x: there is no"), "%s", told);
    cr_expect(strstr(told, "users:2: shares=y: there is no"), "%s", told);
    cr_expect(strstr(told, "users:3: gid 1 is one of"), "%s", told);
    cr_expect(strstr(told, "users:4: shares=z: there is no"), "%s", told);
    cr_expect(strstr(told, "users:6: shares=: s occurs twice"), "%s", told);
    cr_assert_eq(u.count, 3);
    cr_expect_str_eq(rights_of("anna"), "");
    cr_expect_str_eq(rights_of("bert"), "s:full");
    cr_expect_str_eq(rights_of("carl"), "");
    cr_expect(slice_equal(u.row[0].teams, SLICE("v")));
}
