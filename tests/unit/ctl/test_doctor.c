/* Parts of "doctor" that read what other programs print, and a server of
 * another build. The checks themselves are tested beside a running server:
 * tests/system/transcripts/server/doctor*.txt. */
#include <criterion/criterion.h>

#include "ctl/server/doctor.h"
#include "fake_server.h"
#include "world.h"

#define TABLE(rules)                                                           \
    "table inet filter {\n\tchain input {\n\t\ttype filter hook input "        \
    "priority filter; " rules "\n\t}\n}\n"

Test(doctor, the_firewall)
{
    static const struct {
        const char *rules;
        unsigned first, last;
        enum { OPEN, CLOSED } to;
    } rows[] = {
        { "", 21, 21, OPEN },
        { TABLE("policy accept;\n\t\ttcp dport 22 accept"), 21, 21, OPEN },
        { TABLE("policy drop;\n\t\ttcp dport 22 accept"), 21, 21, CLOSED },
        { TABLE("policy drop;\n\t\ttcp dport 21 accept"), 21, 21, OPEN },
        { TABLE("policy drop;\n\t\ttcp dport 21 drop"), 21, 21, CLOSED },
        { TABLE("policy drop;\n\t\ttcp dport { 21, 30000-30099 } accept"),
          30000, 30099, OPEN },
        { TABLE("policy drop;\n\t\ttcp dport 30000-30050 accept"), 30000, 30099,
          CLOSED },
        { TABLE("policy drop;\n\t\ttcp dport 30000-30099 counter packets 1 "
                "bytes 60 accept"),
          30000, 30099, OPEN },
        { TABLE("policy drop;\n\t\ttcp dport @open accept"), 21, 21, OPEN },
        { TABLE("policy drop;\n\t\ttcp dport { 20, 21,\n\t\t\t22 } accept"), 21,
          21, OPEN },
        { TABLE("policy accept;\n\t\treject with icmpx admin-prohibited"), 21,
          21, OPEN },
        { TABLE("policy drop;\n\t\tudp dport 21 accept"), 21, 21, CLOSED },
        { TABLE("policy drop;\n\t\tmeta l4proto { tcp, udp } th dport 21 "
                "accept"),
          21, 21, OPEN },
        { TABLE("policy drop;\n\t\tip saddr 10.0.0.0/8 tcp dport 21 accept"),
          21, 21, OPEN },
        { TABLE("policy drop;\n\t\tip6 saddr { fd00::/8,\n\t\t\tfe80::/10 } "
                "tcp dport 21 accept"),
          21, 21, OPEN },
        { TABLE("policy drop;\n\t\tiifname \"eth0\" accept"), 21, 21, OPEN },
        { TABLE("policy drop;\n\t\tip saddr 10.0.0.0/8 counter accept"), 21, 21,
          OPEN },
        { TABLE("policy accept;\n\t\tip saddr 10.0.0.0/8 accept"), 21, 21,
          OPEN },
        { TABLE("policy drop;\n\t\tiifname \"lo\" accept"), 21, 21, CLOSED },
        { TABLE("policy drop;\n\t\tiif 2 ct state established accept"), 21, 21,
          CLOSED },
        { TABLE("policy drop;\n\t\tip saddr 10.0.0.0/8 tcp dport 22 accept"),
          21, 21, CLOSED },
        { TABLE("policy drop;\n\t\tip saddr != 192.0.2.1 tcp dport 21 accept"),
          21, 21, OPEN },
        { TABLE(
              "policy drop;\n\t}\n\tchain output {\n\t\ttype filter hook "
              "output priority filter; policy drop;\n\t\ttcp dport 21 accept"),
          21, 21, CLOSED },
        { TABLE("policy drop;\n\t\tjump mine\n\t}\n\tchain mine {\n\t\ttcp "
                "dport 21 accept"),
          21, 21, OPEN },
        { "table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward "
          "priority filter; policy drop;\n\t}\n}\n",
          21, 21, OPEN },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool refuses =
            firewall_refuses(rows[i].rules, rows[i].first, rows[i].last);

        cr_expect_eq(refuses, rows[i].to == CLOSED, "%s", rows[i].rules);
    }
}

Test(doctor, lists_of_ports)
{
    static const struct {
        const char *list;
        bool listed;
    } rows[] = {
        { "", false },
        { "30000-30099", true },
        { "30000-30098", false },
        { "21, 30000-30050,30051-30099", true },
        { "30000", false },
        { "1-65535", true },
        { "x-30099", false },
        { "30099-30000", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(ports_listed(slice_from(rows[i].list), 30000, 30099),
                     rows[i].listed, "%s", rows[i].list);
}

static void is_older(struct channel *c)
{
    struct message m;

    fake_welcome_older(c);
    if (fake_hears(c, &m))
        FAKE_SAYS(c, &m, drain_is, .on = false);
    fake_hears(c, &m);
}

static void is_another_build(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    if (fake_hears(c, &m))
        FAKE_SAYS(c, &m, drain_is, .on = false);
    if (fake_hears(c, &m) && m.kind == MSG_show)
        FAKE_SAYS(c, &m, control_refused, .refusal = REFUSAL_BUSY,
                  .why = SLICE("another build"));
}

/* It runs well; only the reload was forgotten. */
Test(doctor, of_another_build, .init = world_make, .fini = scratch_remove)
{
    static const struct {
        fake_play *play;
        const char *text;
    } rows[] = {
        { is_older,
          "it runs version 0.1.0, but " SALLYPORT_VERSION " is installed" },
        { is_another_build,
          "it runs version " SALLYPORT_VERSION
          ", but another build of " SALLYPORT_VERSION " is installed" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct context x = { .patience = 0 };
        struct server_doctor d = { .x = &x,
                                   .check = "server",
                                   .list = json_array() };
        const json_t *one;

        cr_assert_eq(conf_load(&x.settings, world.conf, &x.complaint), 0);
        fake_begin(rows[i].play);
        doctor_server(&d);
        fake_end();
        one = json_array_get(d.list, 0);
        cr_expect_str_eq(text_of(one, "finding", ""), "warning");
        cr_expect_str_eq(text_of(one, "text", ""), rows[i].text);
        cr_expect_str_eq(text_of(one, "advice", ""),
                         "run: sallyportctl reload");
        cr_expect_eq(d.found[FINDING_WARNING], 1);
        json_decref(d.list);
    }
}
