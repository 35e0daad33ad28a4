/* "ban": words, networks, times, and a server that answers well, badly, or not
 * at all. */
#include "ctl/ctl.h"
#include "fake_server.h"
#include "sallyport/domain/bans.h"
#include "world.h"

TestSuite(bans, .init = world_make, .fini = scratch_remove);

static const struct {
    const char *words, *said;
    int code;
} wrong[] = {
    { "ban lift", "did you mean \"ban list\"", EX_USAGE },
    { "ban list 192.0.2.1", "192.0.2.1: one word too many", EX_USAGE },
    { "ban add", "ADDRESS[/BITS] is missing", EX_USAGE },
    { "ban add anna", "anna: neither an IP address nor a network", EX_USAGE },
    { "ban add 192.0.2.1:21", "neither an IP address", EX_USAGE },
    { "ban add 192.0.2.0/33", "expected 0 to 32 after the '/'", EX_USAGE },
    { "ban add 192.0.2.0/", "expected 0 to 32 after the '/'", EX_USAGE },
    { "ban add 2001:db8::/129", "expected 0 to 128 after", EX_USAGE },
    { "ban add 192.0.2.7/24", "first address, which is 192.0.2.0", EX_USAGE },
    { "ban add 192.0.2.7 --for 5",
      "--for 5: expected a number from 1 to 99999 with s, min, h, d",
      EX_USAGE },
    { "ban add 192.0.2.7 --for 0d", "from 1 to 99999 with s, min", EX_USAGE },
    { "ban add 192.0.2.7 --for d", "from 1 to 99999 with s, min", EX_USAGE },
    { "ban add 192.0.2.7 --for -1d", "from 1 to 99999 with s, min", EX_USAGE },
    { "ban add 192.0.2.7 --for 100000d", "from 1 to 99999 with s, min",
      EX_USAGE },
    { "ban add 192.0.2.7 --for 1y", "s, min, h, d or w", EX_USAGE },
    { "ban add 127.0.0.1", "would ban this machine itself", EX_USAGE },
    { "ban add 127.3.0.0/16", "add --yes if that is intended", EX_USAGE },
    { "ban add 0.0.0.0/0", "a very large network", EX_USAGE },
    { "ban add ::1", "this machine itself", EX_USAGE },
    { "ban add 198.51.0.0/23", "would ban a very large network", EX_USAGE },
    { "ban add 2001:db8::/47", "would ban a very large network", EX_USAGE },
    { "ban add ::/0", "a very large network", EX_USAGE },
    { "ban del", "ADDRESS[/BITS] is missing", EX_USAGE },
    { "ban del anna", "anna: neither an IP address nor a network", EX_USAGE },
    { "ban del 192.0.2.7 --all", "--all is not for this command", EX_USAGE },
    { "ban del 192.0.2.7 --for 1d", "--for is not for this command", EX_USAGE },
    { "ban add 127.0.0.1 --yes", "no server answers at", EX_UNAVAILABLE },
};

Test(bans, usage)
{
    char text[256];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_err(wrong[i].code, "", wrong[i].words, wrong[i].said);
    snprintf(text, sizeof(text), "ban add 192.0.2.7 --reason %0*d",
             BAN_REASON_MAX, 1);
    expect_err(EX_USAGE, "", text, "--reason: at most 119 bytes");
    expect_err(EX_USAGE, "", "ban add 192.0.2.7 --reason a\033b",
               "no control characters");
}

/* Commands, and the requests that they send. */
static const struct request {
    const char *words;
    const char *network;
    unsigned bits;
    uint64_t seconds;
    const char *reason;
} requests[] = {
    { "ban add 192.0.2.7", "192.0.2.7", 32, 0, "by the administrator" },
    { "ban add 198.51.100.0/24 --for 7d --reason scanner", "198.51.100.0", 24,
      604800, "scanner" },
    { "ban add 192.0.2.7 --for 90s", "192.0.2.7", 32, 90,
      "by the administrator" },
    { "ban add 192.0.2.7 --for 10min", "192.0.2.7", 32, 600,
      "by the administrator" },
    { "ban add 192.0.2.7 --for 12h", "192.0.2.7", 32, 43200,
      "by the administrator" },
    { "ban add 192.0.2.7 --for 2w", "192.0.2.7", 32, 1209600,
      "by the administrator" },
    { "ban add 2001:db8::1 --for 1d", "2001:db8::", 64, 86400,
      "by the administrator" },
    { "ban add 2001:db8::1/128", "2001:db8::1", 128, 0,
      "by the administrator" },
    { "ban add 127.0.0.1 --yes --for 5s", "127.0.0.1", 32, 5,
      "by the administrator" },
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

static bool is_asked(const struct request *r, const struct msg_ban_add *m)
{
    struct address network;

    address_parse(slice_from(r->network), &network);
    return address_same_host(&network, &m->network) && m->bits == r->bits &&
           m->seconds == r->seconds &&
           slice_equal(m->reason, slice_from(r->reason));
}

/* Answers with the row number of the received request; 99: it is no row */
static void takes_bans(struct channel *c)
{
    uint64_t row = 99;
    fake_welcome(c);
    cast_hear(c);
    for (size_t i = 0; heard.kind == MSG_ban_add && i < REQUESTS; i++)
        if (is_asked(&requests[i], &heard.ban_add))
            row = i;
    FAKE_SAYS(c, control_done, .sessions = row);
}

Test(bans, add)
{
    char said[128];

    fake_begin(takes_bans);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct address a;
        char text[BAN_TEXT_MAX];

        address_parse(slice_from(requests[i].network), &a);
        snprintf(said, sizeof(said),
                 "network %s: banned; %zu session%s ended\n",
                 ban_text(&a, requests[i].bits, text), i, i == 1 ? "" : "s");
        cr_expect_str_eq(expect_run(0, "", requests[i].words)->out, said);
    }
    fake_end();
}

static void removes(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    if (heard.kind != MSG_ban_remove)
        return;
    if (heard.ban_remove.bits == 24)
        FAKE_SAYS(c, control_done);
    else
        FAKE_SAYS(c, control_refused, .refusal = REFUSAL_NO_USER,
                  .why = SLICE("it isn't banned"));
}

Test(bans, del)
{
    fake_begin(removes);
    cr_expect_str_eq(expect_run(0, "", "ban del 192.0.2.0/24")->out,
                     "network 192.0.2.0/24: the ban has ended\n");
    expect_err(EX_NOUSER, "", "ban del 192.0.2.7", "it isn't banned");
    fake_end();
}

static void say_ban(struct channel *c, const char *network, const char *until,
                    const char *reason)
{
    fake_row(c, "+bans", "network", network, "?automatic",
             strcmp(until, "0") == 0 ? "0" : "1", "@since", "1700000000",
             "@until", until, "reason", reason, NULL);
}

/* Sends two pages. The second page begins at the place that the first one
 * names. */
static void has_three(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    say_ban(c, "192.0.2.7", "1700003600", "100 wrong passwords");
    say_ban(c, "198.51.100.0/24", "0", "by root: a\033[2Jb");
    FAKE_SAYS(c, end, .place = 64);
    cast_hear(c);
    if (heard.kind == MSG_show && heard.show.what == SHOW_BANS &&
        heard.show.place == 64)
        say_ban(c, "2001:db8::/64", "0", "by root");
    FAKE_SAYS(c, end);
}

Test(bans, list)
{
    fake_begin(has_three);
    cr_expect_str_eq(
        expect_run(0, "", "ban list")->out,
        "NETWORK         SINCE                UNTIL                REASON\n"
        "192.0.2.7       2023-11-14T22:13:20Z 2023-11-14T23:13:20Z 100 "
        "wrong passwords\n"
        "198.51.100.0/24 2023-11-14T22:13:20Z for ever             by "
        "root: a?[2Jb\n"
        "2001:db8::/64   2023-11-14T22:13:20Z for ever             by "
        "root\n");
    fake_end();
    fake_begin(has_three);
#define SINCE "\"since\":\"2023-11-14T22:13:20Z\",\"until\":"
    cr_expect_str_eq(
        world_json("ban list --json"),
        "[{\"network\":\"192.0.2.7\",\"automatic\":true," SINCE
        "\"2023-11-14T23:13:20Z\",\"reason\":\"100 wrong passwords\"},"
        "{\"network\":\"198.51.100.0/24\",\"automatic\":false," SINCE
        "null,\"reason\":\"by root: a?[2Jb\"},"
        "{\"network\":\"2001:db8::/64\",\"automatic\":false," SINCE
        "null,\"reason\":\"by root\"}]");
    fake_end();
}

static void has_none(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    FAKE_SAYS(c, end);
}

static void has_no_end(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c))
        FAKE_SAYS(c, end, .place = 64);
}

static void answers_something_else(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    FAKE_SAYS(c, drain_is);
}

Test(bans, answers_of_every_kind)
{
    fake_begin(has_none);
    cr_expect_str_eq(expect_run(0, "", "ban list")->out, "nobody is banned\n");
    cr_expect_str_eq(expect_run(0, "", "ban list --json")->out, "[]\n");
    fake_end();
    fake_begin(has_no_end);
    expect_err(EX_PROTOCOL, "", "ban list", "a list without end");
    fake_end();
    fake_begin(answers_something_else);
    expect_err(EX_PROTOCOL, "", "ban add 192.0.2.7", "no answer to ban_add");
    expect_err(EX_PROTOCOL, "", "ban del 192.0.2.7", "no answer to ban_remove");
    fake_end();
}
